// Element forms → templates: text that is known now becomes static parts, escaped here; the rest
// becomes holes, each with the context that decides its escaping.
#include <algorithm>

#include "engine/base/str.h"
#include "engine/bytecode/attribute_kind.h"
#include "engine/compiler/expander.h"
#include "engine/compiler/html_names.h"

namespace sx {

namespace {

// Hole values lie in consecutive registers; above this number children go into templates of their
// own.
constexpr std::size_t kHolesMax = 60;

struct Piece {
  std::vector<TemplatePart> parts;
  std::vector<Node*> holes;

  void text(std::string_view s) {
    if (s.empty()) return;
    if (parts.empty() || parts.back().op != TemplateOp::Static)
      parts.push_back({TemplateOp::Static, 0, ""});
    parts.back().text.append(s);
  }
  void hole(TemplateOp op, std::string_view name, Node* value) {
    parts.push_back({op, static_cast<std::uint16_t>(holes.size()), std::string(name)});
    holes.push_back(value);
  }
  void append(const Piece& other) {
    for (const TemplatePart& part : other.parts) {
      if (part.op == TemplateOp::Static) {
        text(part.text);
        continue;
      }
      hole(part.op, part.text, other.holes[part.hole]);
    }
  }
};

void escape(std::string& out, std::string_view s, bool attribute) {
  for (char c : s) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += attribute ? "&quot;" : "\"";
        break;
      default:
        out += c;
    }
  }
}

std::string escaped(std::string_view s, bool attribute) {
  std::string out;
  escape(out, s, attribute);
  return out;
}

bool contains_end_tag(std::string_view s) {
  return s.find("</") != std::string_view::npos || s.find("<!--") != std::string_view::npos;
}

// Text after which another piece could complete an end tag or a comment.
bool begins_end_tag(std::string_view s) {
  return s.ends_with("<") || s.ends_with("<!") || s.ends_with("<!-");
}

bool same_name(std::string_view a, std::string_view lower_case) {
  return std::equal(a.begin(), a.end(), lower_case.begin(), lower_case.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x - 'A' + 'a') : x) == y;
  });
}

}  // namespace

class MarkupBuilder {
 public:
  MarkupBuilder(Expander& e, const Scope* scope) : e_(e), scope_(scope) {}

  // tag at items[tag_at]; attributes and children follow it.
  Piece element(const Form* form, std::string_view tag, std::size_t from) {
    Piece piece;
    if (++e_.depth_ > 1000) {
      e_.fail(form, "Elements nest more than 1000 deep.");
      --e_.depth_;
      return piece;
    }
    piece.text(str("<", tag));
    std::vector<const Form*> children;
    std::vector<std::string> seen;
    const bool refresh = refreshes(form, tag, from);
    for (std::size_t i = from; i < form->size() && !e_.failed(); ++i) {
      const Form* item = form->items[i];
      if (!item->is_keyword()) {
        children.push_back(item);
        continue;
      }
      const std::string name(e_.cx_.symbols.name(item->value.id()));
      if (i + 1 == form->size()) {
        e_.fail(form, str("The attribute :", name,
                          " has no value. Expected :name value; true for a bare attribute."));
        break;
      }
      const Form* value = form->items[++i];
      if (name == "&") {
        if (refresh)
          e_.fail(item,
                  "A <meta> that refreshes takes no :&, which could change the address. "
                  "Write :content out.");
        piece.hole(TemplateOp::Spread, "", e_.value(value, scope_));
        continue;
      }
      if (!is_attribute_name(name)) e_.fail(form, str("Not an attribute name: ", name, "."));
      if (std::find(seen.begin(), seen.end(), name) != seen.end())
        e_.fail(form, str("The attribute :", name, " is given twice."));
      seen.push_back(name);
      attribute(piece, name, value, refresh);
    }
    // A spread dict leaves alone what is written out, whatever the order.
    for (TemplatePart& part : piece.parts) {
      if (part.op != TemplateOp::Spread) continue;
      for (const std::string& name : seen) part.text += str(part.text.empty() ? "" : " ", name);
    }
    piece.text(">");
    if (is_void_tag(tag)) {
      if (!children.empty()) e_.fail(form, str("<", tag, "> cannot have children."));
    } else {
      const bool raw_text = same_name(tag, "style") || same_name(tag, "script");
      std::vector<Piece> pieces;
      for (const Form* item : children) {
        pieces.emplace_back();
        if (raw_text)
          raw_child(pieces.back(), item, tag, item == children.back());
        else
          child(pieces.back(), item);
      }
      // The parser drops a newline right after <pre> and <textarea>: where the content begins with
      // one, or may do so, another one goes before it.
      if ((tag == "pre" || tag == "textarea") && !pieces.empty() && !pieces[0].parts.empty() &&
          (pieces[0].parts[0].op != TemplateOp::Static || pieces[0].parts[0].text[0] == '\n'))
        piece.text("\n");
      if (!raw_text) pack(pieces, kHolesMax - std::min(piece.holes.size(), kHolesMax - 2), form);
      for (const Piece& p : pieces) piece.append(p);
      piece.text(str("</", tag, ">"));
    }
    if (piece.holes.size() > 200)
      e_.fail(form, "This element has too many computed attributes. Spread a dict with :&.");
    --e_.depth_;
    return piece;
  }

  Piece fragment(const Form* form, std::size_t from) {
    Piece piece;
    std::vector<Piece> pieces;
    for (std::size_t i = from; i < form->size() && !e_.failed(); ++i) {
      pieces.emplace_back();
      child(pieces.back(), form->items[i]);
    }
    pack(pieces, kHolesMax, form);
    for (const Piece& p : pieces) piece.append(p);
    return piece;
  }

  // (el tag …) with a tag that is known only when it runs: a call of %element.
  Node* computed_element(const Form* form) {
    std::vector<Node*> attributes;
    std::vector<Piece> children;
    for (std::size_t i = 2; i < form->size() && !e_.failed(); ++i) {
      const Form* item = form->items[i];
      if (!item->is_keyword()) {
        children.emplace_back();
        child(children.back(), item);
        continue;
      }
      if (i + 1 == form->size())
        return e_.fail(form, str("The attribute ", e_.forms_.show(item), " has no value."));
      attributes.push_back(e_.constant(item->value, item));
      attributes.push_back(e_.value(form->items[++i], scope_));
    }
    if (attributes.size() > kHolesMax)
      return e_.fail(form, "This element has too many computed attributes. Spread a dict with :&.");
    pack(children, kHolesMax, form);
    Piece inside;
    for (const Piece& p : children) inside.append(p);
    std::vector<Node*> args{e_.value(form->items[1], scope_)};
    if (inside.parts.empty()) {
      args.push_back(e_.constant(Value::nil(), form));
    } else if (inside.parts.size() == 1 && inside.holes.size() == 1) {
      args.push_back(inside.holes[0]);
    } else {
      args.push_back(finish(std::move(inside), form));
    }
    args.insert(args.end(), attributes.begin(), attributes.end());
    return e_.prim("%element", std::move(args), form);
  }

  Node* finish(Piece piece, const Form* at) {
    e_.templates_.emplace_back();
    TemplateImage* image = &e_.templates_.back();
    image->holes = static_cast<std::uint16_t>(piece.holes.size());
    image->parts = std::move(piece.parts);
    Node* made = e_.node(NodeKind::Template, at, std::move(piece.holes));
    made->markup = image;
    return made;
  }

 private:
  // <meta http-equiv="refresh">, whose :content is an address.
  static bool refreshes(const Form* form, std::string_view tag, std::size_t from) {
    if (!same_name(tag, "meta")) return false;
    for (std::size_t i = from; i + 1 < form->size(); ++i) {
      const Form* value = form->items[i + 1];
      if (form->items[i]->is_keyword() && value->is_text() &&
          same_name(
              std::string_view(value->text)
                  .substr(std::min(value->text.find_first_not_of(" \t\r\n\f"), value->text.size()),
                          7),
              "refresh"))
        return true;
    }
    return false;
  }

  void attribute(Piece& piece, const std::string& name, const Form* value, bool refresh) {
    if (value->is_text()) {
      piece.text(str(" ", name, "=\"", escaped(value->text, true), "\""));
    } else if (value->is_int()) {
      piece.text(str(" ", name, "=\"", value->value.as_int(), "\""));
    } else if (value->kind == Form::Kind::Atom && value->value.is_bool()) {
      if (value->value.truthy()) piece.text(str(" ", name));
    } else if (!value->is_nil()) {
      const bool address = refresh && same_name(name, "content");
      piece.hole(address ? TemplateOp::UrlList : attribute_op(name), name, e_.value(value, scope_));
    }
  }

  void raw_child(Piece& piece, const Form* item, std::string_view tag, bool last) {
    if (item->is_text()) {
      if (!last && begins_end_tag(item->text))
        e_.fail(item, str("Text in <", tag,
                          "> that ends in `<` could become an end tag with what "
                          "follows. Put a space after it."));
      if (contains_end_tag(item->text))
        e_.fail(item, str("Text in <", tag,
                          "> cannot contain `</` or `<!--`: it would end the element. Write `<\\/` "
                          "in a script."));
      piece.text(item->text);
    } else {
      piece.hole(TemplateOp::RawText, "", e_.value(item, scope_));
    }
  }

  void child(Piece& piece, const Form* item) {
    item = e_.expand_head(item, scope_);
    if (e_.failed()) return;
    if (item->is_text()) return piece.text(escaped(item->text, false));
    if (item->is_int()) return piece.text(str(item->value.as_int()));
    if (item->is_nil() || (item->kind == Form::Kind::Atom && item->value.is_bool())) return;
    if (item->is_list()) {
      if (e_.is_element(item, scope_))
        return piece.append(element(item, e_.text_of(item->items[0]), 1));
      const SpecialForm* special = e_.special_head(item, scope_);
      if (special) {
        const std::string_view name = special->name;
        if (name == "el" && item->size() > 1 && item->items[1]->is_keyword() &&
            is_tag_name(e_.cx_.symbols.name(item->items[1]->value.id())))
          return piece.append(element(item, e_.cx_.symbols.name(item->items[1]->value.id()), 2));
        if (name == "frag") return piece.append(fragment(item, 1));
        if (name == "doctype" && item->size() == 1) return piece.text("<!DOCTYPE html>");
        if (name == "raw" && item->size() == 2 && item->items[1]->is_text())
          return piece.text(item->items[1]->text);
      }
    }
    piece.hole(TemplateOp::Text, "", e_.value(item, scope_));
  }

  // Makes the pieces need at most `limit` holes together: runs of them become templates of their
  // own.
  void pack(std::vector<Piece>& pieces, std::size_t limit, const Form* at) {
    const auto total = [&] {
      std::size_t n = 0;
      for (const Piece& p : pieces) n += p.holes.size();
      return n;
    };
    while (total() > limit && !e_.failed()) {
      std::vector<Piece> packed;
      Piece run;
      const auto close = [&] {
        if (run.parts.empty()) return;
        Piece one;
        one.hole(TemplateOp::Text, "", finish(std::move(run), at));
        packed.push_back(std::move(one));
        run = Piece();
      };
      for (const Piece& p : pieces) {
        if (run.holes.size() + p.holes.size() > kHolesMax) close();
        run.append(p);
      }
      close();
      pieces = std::move(packed);
    }
  }

  Expander& e_;
  const Scope* scope_;
};

bool Expander::is_element(const Form* form, const Scope* scope) {
  if (!form->is_list() || !form->items[0]->is_symbol()) return false;
  const std::string_view name = forms_.base_name(form->items[0]);
  if (!is_markup_tag(name)) return false;
  const Resolved r = resolve(form->items[0]->value.id(), scope, true);
  return r.kind == Resolved::Kind::Unbound ||
         (r.kind == Resolved::Kind::Local && r.var->component_key);
}

Node* Expander::element(const Form* form, const Scope* scope) {
  NonTail guard(*this);
  MarkupBuilder builder(*this, scope);
  return builder.finish(builder.element(form, text_of(form->items[0]), 1), form);
}

Node* Expander::form_el(const Form* form, const Scope* scope) {
  NonTail guard(*this);
  const Form* tag = form->items[1];
  MarkupBuilder builder(*this, scope);
  if (!tag->is_keyword()) return builder.computed_element(form);
  if (!is_tag_name(cx_.symbols.name(tag->value.id())))
    return fail(form, str("Not the name of an element: ", forms_.show(tag), "."));
  return builder.finish(builder.element(form, cx_.symbols.name(tag->value.id()), 2), form);
}

Node* Expander::form_frag(const Form* form, const Scope* scope) {
  NonTail guard(*this);
  MarkupBuilder builder(*this, scope);
  return builder.finish(builder.fragment(form, 1), form);
}

Node* Expander::form_raw(const Form* form, const Scope* scope) {
  return prim("raw", values(form, 1, scope), form);
}

Node* Expander::form_doctype(const Form* form, const Scope* scope) {
  MarkupBuilder builder(*this, scope);
  Piece piece;
  piece.text("<!DOCTYPE html>");
  return builder.finish(std::move(piece), form);
}

// (~name :key value child…): an ordinary call, keyword arguments first.
Node* Expander::component_call(const Form* form, const Resolved& head, const Scope* scope) {
  std::vector<Node*> kids{expand(form->items[0], scope)}, children;
  const Signature* s = head.kind == Resolved::Kind::Global ? head.global->signature : nullptr;
  for (std::size_t i = 1; i < form->size() && !failed(); ++i) {
    const Form* item = form->items[i];
    if (!item->is_keyword()) {
      children.push_back(value(item, scope));
      continue;
    }
    const std::string key(cx_.symbols.name(item->value.id()));
    if (i + 1 == form->size()) return fail(form, str("The keyword :", key, " has no value."));
    if (s && s->component && std::find(s->keys.begin(), s->keys.end(), key) == s->keys.end())
      return fail(form,
                  str(text_of(form->items[0]), " has no keyword :", key, ". Usage: ", s->usage));
    kids.push_back(constant(item->value, item));
    kids.push_back(value(form->items[++i], scope));
  }
  if (s && s->component && !s->rest &&
      children.size() > static_cast<std::size_t>(s->required + s->optional))
    return fail(form, str(text_of(form->items[0]), " takes no children. Usage: ", s->usage));
  kids.insert(kids.end(), children.begin(), children.end());
  return node(NodeKind::Call, form, std::move(kids));
}

}  // namespace sx
