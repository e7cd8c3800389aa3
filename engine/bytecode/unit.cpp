// Linking: an image, wherever it comes from, becomes functions that run.
#include "engine/bytecode/unit.h"

#include "engine/base/fatal.h"
#include "engine/base/str.h"
#include "engine/bytecode/constant.h"
#include "engine/bytecode/opcodes.h"
#include "engine/bytecode/templates.h"
#include "engine/gc/context.h"

namespace sx {
namespace {

// Site caches are written beside the code, never into it: one word per code word, so that a site
// finds its own by its pc. Functions without such sites have none.
bool needs_cache(const FunctionImage& image, const UnitImage& unit) {
  for (std::size_t pc = 0; pc < image.code.size();) {
    const std::uint32_t w = image.code[pc];
    const Op op = static_cast<Op>(ins_op(w));
    if (op == Op::GetKey || op == Op::MakeDict) return true;
    const OpInfo* info = op_info(ins_op(w));
    if (info == nullptr) return true;
    pc += static_cast<std::size_t>(base_words(info->format));
    if (info->format == Format::WF) pc += (unit.functions[ins_d(w)].captures + 1u) / 2;
  }
  return false;
}

}  // namespace

Global* Globals::find(std::string_view full_name) {
  const auto found = by_name_.find(full_name);
  return found == by_name_.end() ? nullptr : found->second;
}

Global* Globals::intern(std::string_view full_name) {
  if (Global* known = find(full_name)) return known;
  Global& cell = cells_.emplace_back();
  cell.name = full_name;
  by_name_.emplace(cell.name, &cell);
  return &cell;
}

Unit::~Unit() {
  if (known_to != nullptr) known_to->remove(*this);
}

std::unique_ptr<Unit> link_unit(Context& cx, Globals& globals, std::unique_ptr<UnitImage> owned) {
  auto unit = std::make_unique<Unit>();
  unit->image = std::move(owned);
  const UnitImage& image = *unit->image;
  unit->module = image.module;
  unit->file = image.file;

  unit->constants.reserve(image.constants.size());
  for (const std::string& bytes : image.constants) {
    const Result<Value> value = decode_constant(cx, bytes, true);
    if (!value.ok()) {
      // A verified image cannot come here, and a unit without its constants must not run.
      fatal(str("linking an unverified image of ", image.file, ": ", value.error().message));
    }
    unit->constants.push_back(value.value());
  }
  unit->globals.reserve(image.globals.size());
  for (const std::string& name : image.globals) unit->globals.push_back(globals.intern(name));

  unit->templates.resize(image.templates.size());
  for (std::size_t i = 0; i < image.templates.size(); ++i) {
    const TemplateImage& from = image.templates[i];
    TemplateInfo& to = unit->templates[i];
    to.unit = unit.get();
    to.index = static_cast<std::uint32_t>(i);
    to.holes = from.holes;
    to.parts = from.parts.data();
    to.part_count = static_cast<std::uint32_t>(from.parts.size());
    hash_template(from, to.hash);
  }
  if (!unit->templates.empty()) {
    unit->known_to = &TemplateTable::of(cx);
    unit->known_to->add(*unit);
  }

  const std::size_t count = image.functions.size();
  unit->functions.resize(count);
  unit->function_keys.resize(count);
  unit->caches.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const FunctionImage& from = image.functions[i];
    Function& to = unit->functions[i];
    for (const std::string& key : from.keys)
      unit->function_keys[i].push_back(cx.symbols.intern(key));
    if (needs_cache(from, image)) unit->caches[i].resize(from.code.size() + 1);
    to.code = from.code.data();
    to.code_words = static_cast<std::uint32_t>(from.code.size());
    to.registers = from.registers;
    to.required = from.required;
    to.optional = from.optional;
    to.captures = from.captures;
    to.rest = from.rest;
    to.component = from.component;
    to.key_count = static_cast<std::uint16_t>(from.keys.size());
    to.keys = unit->function_keys[i].data();
    to.simple = from.optional == 0 && !from.rest && !from.component && from.keys.empty();
    to.unit = unit.get();
    to.constants = unit->constants.data();
    to.globals = unit->globals.data();
    to.cache = unit->caches[i].empty() ? nullptr : unit->caches[i].data();
    to.handler_count = static_cast<std::uint32_t>(from.handlers.size());
    to.handlers = from.handlers.data();
    to.line_count = static_cast<std::uint32_t>(from.lines.size());
    to.lines = from.lines.data();
    to.name = from.name;
    to.usage = from.usage;
    to.index = static_cast<std::uint32_t>(i);
  }
  return unit;
}

}  // namespace sx
