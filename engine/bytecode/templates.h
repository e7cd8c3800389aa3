// Templates by their hash: the hash names what a template is, wherever it was compiled, so that a
// peer's wire text (render/wire.h) can refer to it. Known are those of loaded units and those that
// were defined by a peer.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/result.h"
#include "engine/bytecode/unit.h"
#include "engine/gc/context.h"

namespace sx {

// The first 128 bits of SHA-256 over the structure.
void hash_template(const TemplateImage& image, std::uint64_t (&out)[2]);
// As 32 lower-case hexadecimal digits.
std::string template_hash_text(const TemplateInfo& info);

class TemplateTable final : public Context::Attachment {
 public:
  static TemplateTable& of(Context& cx);

  // A unit is known while it lives: link_unit and ~Unit call these.
  void add(const Unit& unit) { fresh_.push_back(&unit); }
  void remove(const Unit& unit);

  // The template with this hash (32 hexadecimal digits), or null.
  const TemplateInfo* find(std::string_view hash);
  // The portable component of a loaded unit with this hash, or called like this; unit null: none.
  struct Component {
    const Unit* unit = nullptr;
    const Export* about = nullptr;
  };
  Component component(std::string_view hash_or_name);
  const std::vector<Component>& components();

  // Makes a template known and keeps it for as long as the context lives. Refused when there are
  // too many.
  Result<const TemplateInfo*> define(TemplateImage image);

 private:
  void index(const TemplateInfo& info) { by_hash_.try_emplace(template_hash_text(info), &info); }
  void index_fresh();

  struct Defined {
    TemplateImage image;
    TemplateInfo info;
  };
  std::vector<const Unit*> known_, fresh_;  // fresh: not in by_hash_ yet
  std::unordered_map<std::string, const TemplateInfo*> by_hash_;
  std::deque<Defined> defined_;
  std::vector<Component> components_;
};

}  // namespace sx
