// HTML's content model, enforced: what a parser accepts is not yet valid (a list item outside a
// list, a block in a span), and invalid nesting is also where a second parse could see another
// tree. A wrapper that cannot hold its content goes; the content stays.
#include <algorithm>
#include <string>

#include "server/content/html_piece.h"
#include "server/content/html_policy.h"

namespace sx {
namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_blank(const Piece& piece) {
  return piece.is_text() && piece.text.find_first_not_of(" \t\n\r\f") == std::string::npos;
}

bool is_block(const Piece& piece) {
  return !piece.is_text() && element_policy(piece.tag).rule == ElementRule::Block;
}

// Nothing but white space, the no-break space included.
bool is_unseen(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "\u00a0") {
      ++i;
    } else if (std::string_view(" \t\n\r\f").find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

struct Context {
  bool in_link = false;
  bool in_definition = false;
  std::size_t depth = 0;

  Context deeper() const {
    Context inner = *this;
    ++inner.depth;
    return inner;
  }
  bool full() const { return depth >= kSanitizeDepthMax; }
};

// Where blocks in a run of text were taken apart, a <br> stands.
struct Line {
  bool started = false;
  bool break_due = false;
};

class Model {
 public:
  void flow(std::vector<Piece>& from, std::vector<Piece>& to, const Context& context) {
    for (Piece& piece : from) {
      if (piece.is_text()) {
        to.push_back(std::move(piece));
      } else if (is_block(piece)) {
        block(piece, to, context);
      } else if (!piece.has_block) {
        Line line;
        text_level(piece, to, context, line);
      } else if (one_of(piece.tag, {"a", "ins", "del"}) && !context.full() &&
                 !(piece.tag == "a" && context.in_link)) {
        Context inner = context.deeper();
        inner.in_link = inner.in_link || piece.tag == "a";
        refill_flow(piece, inner);
        if (piece.tag == "a" && !shows_something(piece)) {
          for (Piece& child : piece.children) to.push_back(std::move(child));
        } else {
          to.push_back(std::move(piece));
        }
      } else {
        flow(piece.children, to, context);
      }
    }
  }

 private:
  void refill_flow(Piece& piece, const Context& context) {
    std::vector<Piece> children;
    children.swap(piece.children);
    flow(children, piece.children, context);
  }

  void refill_phrasing(Piece& piece, const Context& context, Line& line) {
    std::vector<Piece> children;
    children.swap(piece.children);
    phrasing(children, piece.children, context, line);
  }

  void phrasing(std::vector<Piece>& from, std::vector<Piece>& to, const Context& context,
                Line& line) {
    for (Piece& piece : from) text_level(piece, to, context, line);
  }

  static void begin(std::vector<Piece>& to, Line& line) {
    if (line.break_due && line.started) {
      Piece newline;
      newline.tag = "br";
      to.push_back(std::move(newline));
    }
    line.break_due = false;
    line.started = true;
  }

  // One piece where only text-level content may stand.
  void text_level(Piece& piece, std::vector<Piece>& to, const Context& context, Line& line) {
    if (piece.is_text()) {
      if (!is_blank(piece)) begin(to, line);
      to.push_back(std::move(piece));
      return;
    }
    if (is_block(piece)) {
      line.break_due = true;
      phrasing(piece.children, to, context, line);
      line.break_due = true;
      return;
    }
    if (piece.tag == "source") return;  // its place is in picture, audio and video
    const bool nested =
        (piece.tag == "a" && context.in_link) || (piece.tag == "dfn" && context.in_definition);
    if (context.full() || nested || one_of(piece.tag, {"rt", "rp"})) {
      phrasing(piece.children, to, context, line);
      return;
    }
    if (one_of(piece.tag, {"picture", "audio", "video"})) {
      embedded(piece, to, context, line);
      return;
    }
    if (piece.tag == "img" || piece.tag == "br" || piece.tag == "wbr") {
      piece.children.clear();
      begin(to, line);
      to.push_back(std::move(piece));
      return;
    }
    // Elements that say nothing without their attribute.
    if ((piece.tag == "bdo" && !piece.attribute("dir")) ||
        (piece.tag == "time" && !piece.attribute("datetime")) ||
        (piece.tag == "data" && !piece.attribute("value")))
      piece.tag = "span";
    begin(to, line);
    Context inner = context.deeper();
    inner.in_link = inner.in_link || piece.tag == "a";
    inner.in_definition = inner.in_definition || piece.tag == "dfn";
    if (piece.tag == "ruby") {
      ruby(piece, to, inner, line);
      return;
    }
    refill_phrasing(piece, inner, line);
    // A link without a word or a picture can be neither seen nor pressed.
    if (piece.tag == "a" && !shows_something(piece)) {
      for (Piece& child : piece.children) to.push_back(std::move(child));
      return;
    }
    to.push_back(std::move(piece));
  }

  static bool shows_something(const Piece& piece) {
    return says_something(piece) || piece.tag == "img" ||
           std::any_of(piece.children.begin(), piece.children.end(), shows_something);
  }

  void ruby(Piece& piece, std::vector<Piece>& to, const Context& context, Line& line) {
    const bool has_text = std::any_of(piece.children.begin(), piece.children.end(),
                                      [](const Piece& child) { return child.tag == "rt"; });
    if (!has_text) {
      phrasing(piece.children, to, context, line);
      return;
    }
    std::vector<Piece> children;
    children.swap(piece.children);
    for (Piece& child : children) {
      if (one_of(child.tag, {"rt", "rp"})) {
        refill_phrasing(child, context, line);
        piece.children.push_back(std::move(child));
      } else {
        text_level(child, piece.children, context, line);
      }
    }
    to.push_back(std::move(piece));
  }

  void embedded(Piece& piece, std::vector<Piece>& to, const Context& context, Line& line) {
    const bool picture = piece.tag == "picture";
    std::vector<Piece> kept, rest;
    bool has_image = false;
    for (Piece& child : piece.children) {
      if (child.tag == "source") {
        child.remove(picture ? "src" : "srcset");
        if (!picture) {
          child.remove("sizes");
          child.remove("media");
        }
        child.children.clear();
        if (!has_image && child.attribute(picture ? "srcset" : "src"))
          kept.push_back(std::move(child));
      } else if (picture && child.tag == "img" && !has_image) {
        has_image = true;
        child.children.clear();
        kept.push_back(std::move(child));
      } else if (picture) {
        rest.push_back(std::move(child));
      }
    }
    if (!picture && piece.attribute("src")) kept.clear();
    // A player is a control, and a link cannot hold one.
    const bool shown =
        picture ? has_image : !context.in_link && (piece.attribute("src") || !kept.empty());
    if (shown) {
      begin(to, line);
      piece.children = std::move(kept);
      to.push_back(std::move(piece));
    }
    phrasing(rest, to, context, line);
  }

  void block(Piece& piece, std::vector<Piece>& to, const Context& context) {
    if (context.full()) {
      flow(piece.children, to, context);
      return;
    }
    if (piece.tag == "hr") {
      piece.children.clear();
      to.push_back(std::move(piece));
    } else if (one_of(piece.tag, {"ul", "ol"})) {
      list(piece, to, context);
    } else if (piece.tag == "dl") {
      definitions(piece, to, context);
    } else if (piece.tag == "table") {
      table(piece, to, context);
    } else if (piece.tag == "figure") {
      figure(piece, to, context);
    } else if (piece.tag == "details") {
      details(piece, to, context);
    } else if (one_of(piece.tag, {"li", "dt", "dd", "caption", "summary", "figcaption", "thead",
                                  "tbody", "tfoot", "tr", "td", "th"})) {
      become_div(piece);  // outside the element it belongs to
      refill_flow(piece, context.deeper());
      to.push_back(std::move(piece));
    } else if (piece.tag == "address" && piece.has_block) {
      become_div(piece);  // it may not hold headings, sections or another address
      refill_flow(piece, context.deeper());
      to.push_back(std::move(piece));
    } else if (holds_phrasing_only(piece.tag)) {
      paragraph(piece, to, context);
    } else {
      refill_flow(piece, context.deeper());
      to.push_back(std::move(piece));
    }
  }

  void paragraph(Piece& piece, std::vector<Piece>& to, const Context& context) {
    const bool heading = is_heading(piece.tag);
    Line line;
    refill_phrasing(piece, context.deeper(), line);
    if (heading && !says_something(piece)) {
      for (Piece& child : piece.children) to.push_back(std::move(child));
      return;
    }
    to.push_back(std::move(piece));
  }

  static bool says_something(const Piece& piece) {
    if (piece.is_text()) return !is_unseen(piece.text);
    if (piece.tag == "img") {
      const std::string* alt = piece.attribute("alt");
      return alt != nullptr && !is_unseen(*alt);
    }
    return std::any_of(piece.children.begin(), piece.children.end(), says_something);
  }

  static void become_div(Piece& piece) {
    piece.tag = "div";
    std::erase_if(piece.attributes, [](const auto& attribute) {
      return !one_of(attribute.first, {"title", "lang", "dir", "translate", "id"});
    });
  }

  void list(Piece& piece, std::vector<Piece>& to, const Context& context) {
    std::vector<Piece> items;
    bool gathering = false;  // the last item holds content that had none
    for (Piece& child : piece.children) {
      if (is_blank(child)) {
        if (gathering) items.back().children.push_back(std::move(child));
        continue;
      }
      if (child.tag == "li") {
        items.push_back(std::move(child));
        gathering = false;
        continue;
      }
      if (!gathering) {
        items.emplace_back();
        items.back().tag = "li";
        gathering = true;
      }
      items.back().children.push_back(std::move(child));
    }
    if (items.empty()) return;
    const Context inner = context.deeper().deeper();
    for (Piece& item : items) {
      if (piece.tag == "ul") item.remove("value");
      refill_flow(item, inner);
    }
    piece.children = std::move(items);
    to.push_back(std::move(piece));
  }

  void definitions(Piece& piece, std::vector<Piece>& to, const Context& context) {
    std::vector<Piece> parts;
    const auto gather = [&](auto&& self, std::vector<Piece>& from) -> void {
      for (Piece& child : from) {
        if (is_blank(child)) continue;
        if (child.tag == "div") {
          self(self, child.children);
        } else if (one_of(child.tag, {"dt", "dd"})) {
          parts.push_back(std::move(child));
        } else {
          if (parts.empty() || parts.back().tag != "dd") {
            parts.emplace_back();
            parts.back().tag = "dd";
          }
          parts.back().children.push_back(std::move(child));
        }
      }
    };
    gather(gather, piece.children);
    if (parts.empty()) return;
    const bool whole = parts.front().tag == "dt" && parts.back().tag == "dd";
    const Context inner = context.deeper().deeper();
    for (Piece& part : parts) {
      if (!whole) become_div(part);
      if (part.tag == "dt") {
        Line line;
        refill_phrasing(part, inner, line);
      } else {
        refill_flow(part, inner);
      }
    }
    if (!whole) become_div(piece);
    piece.children = std::move(parts);
    to.push_back(std::move(piece));
  }

  // caption, thead, tbody …, tfoot, each row with cells; columns have no use without styles.
  void table(Piece& piece, std::vector<Piece>& to, const Context& context) {
    std::vector<Piece> captions, heads, bodies, feet;
    std::vector<Piece> outside;  // what the parser would have put before the table
    const auto section = [&](Piece& group) {
      std::vector<Piece> rows;
      for (Piece& child : group.children) {
        if (child.tag == "tr") {
          row(child, group.tag == "thead", rows, outside, context);
        } else if (!is_blank(child)) {
          outside.push_back(std::move(child));
        }
      }
      group.children = std::move(rows);
      if (group.children.empty()) return;
      if (group.tag == "thead" && heads.empty() && bodies.empty()) {
        heads.push_back(std::move(group));
      } else if (group.tag == "tfoot" && feet.empty()) {
        feet.push_back(std::move(group));
      } else {
        group.tag = "tbody";
        bodies.push_back(std::move(group));
      }
    };
    for (Piece& child : piece.children) {
      if (child.tag == "caption") {
        if (captions.empty()) captions.push_back(std::move(child));
      } else if (one_of(child.tag, {"thead", "tbody", "tfoot"})) {
        section(child);
      } else if (child.tag == "tr") {
        Piece group;
        group.tag = "tbody";
        group.children.push_back(std::move(child));
        section(group);
      } else if (!is_blank(child)) {
        outside.push_back(std::move(child));
      }
    }
    flow(outside, to, context);
    if (heads.empty() && bodies.empty() && feet.empty()) {
      for (Piece& caption : captions) flow(caption.children, to, context);
      return;
    }
    piece.children.clear();
    for (Piece& caption : captions) {
      Line line;
      refill_phrasing(caption, context.deeper().deeper(), line);
      piece.children.push_back(std::move(caption));
    }
    for (auto* groups : {&heads, &bodies, &feet})
      for (Piece& group : *groups) piece.children.push_back(std::move(group));
    to.push_back(std::move(piece));
  }

  void row(Piece& from, bool in_head, std::vector<Piece>& rows, std::vector<Piece>& outside,
           const Context& context) {
    Context inner = context;
    inner.depth += 4;
    std::vector<Piece> cells;
    for (Piece& child : from.children) {
      if (one_of(child.tag, {"td", "th"})) {
        if (child.tag == "th" && !child.attribute("scope"))
          child.set("scope", in_head ? "col" : "row");
        refill_flow(child, inner);
        cells.push_back(std::move(child));
      } else if (!is_blank(child)) {
        outside.push_back(std::move(child));
      }
    }
    if (cells.empty()) return;
    from.children = std::move(cells);
    rows.push_back(std::move(from));
  }

  // One caption, at the beginning or the end.
  void figure(Piece& piece, std::vector<Piece>& to, const Context& context) {
    std::vector<Piece> children;
    children.swap(piece.children);
    std::erase_if(children, is_blank);
    std::size_t caption = children.size();
    if (!children.empty() && children.back().tag == "figcaption") caption = children.size() - 1;
    if (!children.empty() && children.front().tag == "figcaption") caption = 0;
    const Context inner = context.deeper();
    for (std::size_t i = 0; i < children.size(); ++i) {
      if (i == caption) {
        refill_flow(children[i], inner.deeper());
        piece.children.push_back(std::move(children[i]));
      } else {
        std::vector<Piece> one;
        one.push_back(std::move(children[i]));
        flow(one, piece.children, inner);
      }
    }
    std::erase_if(piece.children, is_blank);
    to.push_back(std::move(piece));
  }

  void details(Piece& piece, std::vector<Piece>& to, const Context& context) {
    // Opening it is a control: not inside a link.
    if (context.in_link) {
      become_div(piece);
      refill_flow(piece, context.deeper());
      to.push_back(std::move(piece));
      return;
    }
    Piece summary;
    summary.tag = "summary";
    bool found = false;
    std::vector<Piece> rest;
    for (Piece& child : piece.children) {
      if (!found && child.tag == "summary") {
        summary = std::move(child);
        found = true;
      } else {
        rest.push_back(std::move(child));
      }
    }
    if (!found) {
      summary.children.emplace_back();
      summary.children.back().text = "Details";
    }
    Context heading = context.deeper().deeper();
    Line line;
    refill_phrasing(summary, heading, line);
    piece.children.clear();
    piece.children.push_back(std::move(summary));
    flow(rest, piece.children, context.deeper());
    to.push_back(std::move(piece));
  }
};

}  // namespace

std::vector<Piece> fix_content_model(std::vector<Piece> pieces) {
  std::vector<Piece> fixed;
  Model().flow(pieces, fixed, Context{});
  return fixed;
}

}  // namespace sx
