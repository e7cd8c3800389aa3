// Record types. A type is its name and its fields: whoever asks for the same ones gets the same
// type, be it a defrecord that runs again, another bundle, a thawed fiber or the reader. So records
// print, travel and read back equal without anything being evaluated.
#include "engine/base/str.h"
#include "engine/value/collections.h"

namespace sx {
namespace {

// Types are never freed; text from outside must not fill the memory with them.
constexpr std::size_t kRecordTypesMax = 100'000;

}  // namespace

Value record_type(Context& cx, Value name, std::span<const Value> fields) {
  std::string key(cx.symbols.name(name.id()));
  for (const Value field : fields) {
    key.push_back('\0');
    key += cx.symbols.name(field.id());
  }
  const auto known = cx.record_types.find(key);
  if (known != cx.record_types.end()) return known->second;
  if (cx.record_types.size() >= kRecordTypesMax)
    return cx.fail("limit", str("There are more than ", kRecordTypesMax, " record types"));
  Root list(cx.heap, make_vector(cx, fields));
  auto* made = static_cast<RecordType*>(cx.heap.alloc_slots(Kind::RecordType, 4));
  made->field_count = static_cast<std::uint32_t>(fields.size());
  made->name = name;
  made->fields = list;
  const Value type = cx.heap.copy_to_static(Value::object(made));
  cx.record_types.emplace(std::move(key), type);
  return type;
}

std::string_view record_name(const Context& cx, const RecordType* type) {
  const std::string_view name = cx.symbols.name(type->name.id());
  const std::size_t mark = name.rfind('#');
  return mark == std::string_view::npos || mark + 1 == name.size() ? name : name.substr(mark + 1);
}

}  // namespace sx
