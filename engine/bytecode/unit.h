// Loaded code: functions, templates and constants ready to run. Not heap objects; owned by the VM
// for its lifetime, or until nothing refers to them (only the VM decides).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/bytecode/image.h"
#include "engine/value/value.h"

namespace sx {

struct Context;
struct Unit;
class TemplateTable;

// A global variable. Addresses are stable.
struct Global {
  Value value = Value::unset();
  std::string name;    // full name
  bool macro = false;  // value is the macro's expander function
  bool component = false;
  std::string doc, usage;
};

class Globals {
 public:
  Global* find(std::string_view full_name);
  Global* intern(std::string_view full_name);
  std::deque<Global>& all() { return cells_; }

 private:
  std::deque<Global> cells_;
  std::unordered_map<std::string_view, Global*> by_name_;
};

struct Function {
  const std::uint32_t* code = nullptr;  // in the bundle's bytes or in the unit's image
  std::uint32_t code_words = 0;
  std::uint16_t registers = 0;
  std::uint16_t required = 0;
  // True when the only parameters are `required` ones: the fast call path.
  bool simple = false;
  bool rest = false;
  bool component = false;
  std::uint16_t optional = 0;
  std::uint16_t captures = 0;
  std::uint16_t key_count = 0;
  const std::uint32_t* keys = nullptr;  // keyword ids
  Unit* unit = nullptr;
  const Value* constants = nullptr;  // unit->constants
  Global* const* globals = nullptr;  // unit->globals
  std::uint32_t* cache =
      nullptr;  // site caches: one u32 pair (shape, slot) per GetKey, by word index; may be null
  std::uint32_t handler_count = 0;
  const HandlerEntry* handlers = nullptr;
  std::uint32_t line_count = 0;
  const LineEntry* lines = nullptr;
  std::string_view name;
  std::string_view usage;
  std::uint32_t index = 0;  // in the unit
  std::uint16_t parameters() const {
    return static_cast<std::uint16_t>(required + optional + key_count + (rest ? 1 : 0));
  }
};

// A template as the adapters use it.
struct TemplateInfo {
  const Unit* unit = nullptr;
  std::uint32_t index = 0;
  std::uint16_t holes = 0;
  const TemplatePart* parts = nullptr;
  std::uint32_t part_count = 0;
  std::uint64_t hash[2] = {0, 0};  // first 128 bits of SHA-256 over the structure
};

struct CodeFacts;  // vm/freeze_code.h

struct Unit {
  Unit() = default;
  Unit(const Unit&) = delete;
  ~Unit();
  std::string module, file;
  std::unique_ptr<UnitImage> image;  // owns code, lines, handlers, templates, names
  std::vector<Value> constants;      // static objects or immediates
  std::vector<Global*> globals;
  std::vector<Function> functions;
  std::vector<std::vector<std::uint32_t>> function_keys;
  std::vector<TemplateInfo> templates;
  std::vector<std::vector<std::uint32_t>> caches;
  TemplateTable* known_to = nullptr;  // which outlives the unit
  // What freezing and thawing found out about the code, once.
  std::shared_ptr<CodeFacts> facts;
};

// Links a verified image: constants become static heap objects, names become Globals.
std::unique_ptr<Unit> link_unit(Context& cx, Globals& globals, std::unique_ptr<UnitImage> image);

}  // namespace sx
