// Templates by their hash (templates.h).
#include "engine/bytecode/templates.h"

#include <algorithm>

#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/bytecode/bytes.h"

namespace sx {
namespace {

// A peer that is believed may define templates, but not without end.
constexpr std::size_t kDefinedMax = 20'000;

}  // namespace

void hash_template(const TemplateImage& image, std::uint64_t (&out)[2]) {
  std::string bytes;
  put_count(bytes, image.holes);
  for (const TemplatePart& part : image.parts) {
    bytes.push_back(static_cast<char>(part.op));
    put_count(bytes, part.hole);
    put_text(bytes, part.text);
  }
  const Sha256Digest digest = content_sha256(bytes);
  ByteReader in({reinterpret_cast<const char*>(digest.data()), digest.size()});
  out[0] = in.u64();
  out[1] = in.u64();
}

std::string template_hash_text(const TemplateInfo& info) {
  std::string out;
  for (std::uint64_t word : info.hash)
    for (int i = 0; i < 16; ++i)
      out.push_back("0123456789abcdef"[word >> (8 * (i / 2) + (i % 2 == 0 ? 4 : 0)) & 15]);
  return out;
}

TemplateTable& TemplateTable::of(Context& cx) {
  if (cx.templates == nullptr) cx.templates = std::make_unique<TemplateTable>();
  return static_cast<TemplateTable&>(*cx.templates);
}

void TemplateTable::remove(const Unit& unit) {
  fresh_.erase(std::remove(fresh_.begin(), fresh_.end(), &unit), fresh_.end());
  const auto found = std::find(known_.begin(), known_.end(), &unit);
  if (found == known_.end()) return;
  known_.erase(found);
  // Another unit may have the same template: look again when asked.
  by_hash_.clear();
  for (const Unit* each : known_) fresh_.push_back(each);
  known_.clear();
  components_.clear();
  for (const Defined& each : defined_) index(each.info);
}

void TemplateTable::index_fresh() {
  for (const Unit* unit : fresh_) {
    for (const TemplateInfo& info : unit->templates) index(info);
    for (const Export& e : unit->image->exports)
      if (e.kind == ExportKind::Portable) components_.push_back({unit, &e});
    known_.push_back(unit);
  }
  fresh_.clear();
}

const TemplateInfo* TemplateTable::find(std::string_view hash) {
  index_fresh();
  const auto found = by_hash_.find(std::string(hash));
  return found == by_hash_.end() ? nullptr : found->second;
}

const std::vector<TemplateTable::Component>& TemplateTable::components() {
  index_fresh();
  return components_;
}

TemplateTable::Component TemplateTable::component(std::string_view hash_or_name) {
  for (const Component& each : components())
    if (each.about->hash == hash_or_name || each.about->name == hash_or_name) return each;
  return {};
}

Result<const TemplateInfo*> TemplateTable::define(TemplateImage image) {
  TemplateInfo made;
  hash_template(image, made.hash);
  if (const TemplateInfo* known = find(template_hash_text(made))) return known;
  if (defined_.size() >= kDefinedMax)
    return Error{str("More than ", kDefinedMax, " templates were defined by peers.")};
  Defined& entry = defined_.emplace_back();
  entry.image = std::move(image);
  entry.info = made;
  entry.info.holes = entry.image.holes;
  entry.info.parts = entry.image.parts.data();
  entry.info.part_count = static_cast<std::uint32_t>(entry.image.parts.size());
  index(entry.info);
  return &entry.info;
}

}  // namespace sx
