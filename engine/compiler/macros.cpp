// Macro calls. A macro of the file being compiled runs in a scratch unit together with the
// definitions of the same file that it needs.
#include "engine/base/str.h"
#include "engine/compiler/expander.h"

namespace sx {

const Form* Expander::expand_head(const Form* form, const Scope* scope) {
  for (int steps = 0; !failed(); ++steps) {
    if (form->kind != Form::Kind::List || form->tail) return form;
    const Resolved head = head_of(form, scope);
    if (head.kind != Resolved::Kind::Macro) return form;
    if (steps > 1000) {
      fail(form, str("The macro ", text_of(form->items[0]), " keeps expanding into itself."));
      return form;
    }
    const Form* expansion = expand_macro(form, head);
    if (!expansion) return form;
    form = expansion;
  }
  return form;
}

const Form* Expander::expand_macro(const Form* form, const Resolved& macro) {
  if (failed()) return nullptr;
  const std::string name = text_of(form->items[0]);
  if (const auto own = definition_by_global_.find(macro.global); own != definition_by_global_.end())
    if (!prepare_macro(own->second, form)) return nullptr;
  Root fn(cx_.heap, services_.macros.global_value(macro.global->full));
  if (fn.get().is_unset()) {
    fail(form, str("The macro ", name, " is not loaded."));
    return nullptr;
  }
  Form* arguments = forms_.list({form->items.begin() + 1, form->items.end()}, form->at);
  Root list(cx_.heap, forms_.to_value(arguments, false));
  services_.macros.begin_expansion(cx_.symbols.intern(macro.module));
  auto expansion = services_.macros.run_macro(fn, list);
  if (!expansion.ok()) {
    fail(form, str("In the macro ", name, ": ", expansion.error().message));
    return nullptr;
  }
  return forms_.from_value(expansion.value(), form->at);
}

// Which definitions of this unit the code refers to.
void Expander::collect_needed(Node* root, std::vector<Definition*>& needed) {
  std::vector<Node*> pending{root};
  while (!pending.empty()) {
    Node* n = pending.back();
    pending.pop_back();
    if (n->global)
      if (const auto found = definition_by_global_.find(n->global);
          found != definition_by_global_.end())
        needed.push_back(found->second);
    if (n->fn) {
      pending.push_back(n->fn->body);
      for (auto& [var, fallback] : n->fn->defaults) pending.push_back(fallback);
    }
    pending.insert(pending.end(), n->kids.begin(), n->kids.end());
  }
}

bool Expander::prepare_macro(Definition* macro, const Form* use) {
  if (macro->compiled_for_macros) return true;
  if (macro->in_progress) {
    fail(use, str("The macro ", macro->name,
                  " is used while it is being defined. Use it only in its template, or in "
                  "functions it does not need."));
    return false;
  }
  // The definitions are expanded apart from the code around the use.
  const int depth = depth_;
  const std::size_t barrier = barrier_;
  const bool in_macro = in_macro_;
  std::vector<LoopScope> loops = std::move(loops_);
  loops_.clear();
  barrier_ = 0;
  depth_ = 0;
  in_macro_ = false;

  std::vector<Node*> nodes;
  std::vector<Definition*> pending{macro}, taken;
  while (!pending.empty() && !failed()) {
    Definition* d = pending.back();
    pending.pop_back();
    if (d->compiled_for_macros || d->in_progress) continue;
    bool shared = false;  // a record's names come from one form
    for (Definition* other : taken) shared = shared || other->form == d->form;
    if (shared) continue;
    d->in_progress = true;
    taken.push_back(d);
    Node* code = expand_top(d->form);
    nodes.push_back(code);
    collect_needed(code, pending);
  }
  for (Definition* d : taken) d->in_progress = false;
  if (!failed()) {
    // What is needed comes first, so that a value definition finds the functions it calls.
    std::vector<Node*> order(nodes.rbegin(), nodes.rend());
    UnitImage image;
    image.module = module_;
    image.file = options_.file;
    for (Definition* d : taken)
      if (d->kind == Definition::Kind::Macro)
        image.exports.push_back({d->global->full, ExportKind::Macro, d->doc, d->usage});
    auto generated = generate_unit(services_, order, image);
    if (!generated.ok()) {
      fail(use, generated.error().message);
    } else {
      for (Definition* d : taken) d->compiled_for_macros = true;
      auto ran = services_.macros.run_for_macros(image);
      if (!ran.ok()) fail(use, str("Preparing the macro ", macro->name, ": ", ran.error().message));
    }
  }
  loops_ = std::move(loops);
  barrier_ = barrier;
  depth_ = depth;
  in_macro_ = in_macro;
  return !failed();
}

}  // namespace sx
