#include "engine/vm/freeze_code.h"

#include "engine/bytecode/bundle.h"

namespace sx {

namespace {

CodeFacts& facts_of(Unit& unit) {
  if (!unit.facts) unit.facts = std::make_shared<CodeFacts>();
  return *unit.facts;
}

}  // namespace

const std::string& unit_hash(const Vm& vm, Unit& unit) {
  CodeFacts& facts = facts_of(unit);
  if (facts.hash.empty()) {
    const std::string bytes = encode_bundle({unit.image.get()}, 1, *vm.tables);
    // Behind magic and fingerprint lies the hash of the content alone.
    facts.hash = bytes.substr(kFrozenHashAt, 32);
  }
  return facts.hash;
}

Result<const CodePoint*> code_point_of(Unit& unit, std::uint32_t function, std::uint32_t pc) {
  CodeFacts& facts = facts_of(unit);
  const std::uint64_t key = std::uint64_t{function} << 32 | pc;
  if (const auto known = facts.points.find(key); known != facts.points.end())
    return static_cast<const CodePoint*>(&known->second);
  SX_TRY(CodePoint point, code_point(*unit.image, function, pc));
  // Bytes that name every point of a large unit must not fill the memory.
  if (facts.points.size() >= 4096) facts.points.clear();
  return static_cast<const CodePoint*>(&facts.points.emplace(key, std::move(point)).first->second);
}

Result<const CaptureFacts*> capture_facts_of(Unit& unit) {
  CodeFacts& facts = facts_of(unit);
  if (!facts.captures) {
    SX_TRY(CaptureFacts found, capture_facts(*unit.image));
    facts.captures = std::make_unique<CaptureFacts>(std::move(found));
    facts.captures->flows.clear();
  }
  return static_cast<const CaptureFacts*>(facts.captures.get());
}

}  // namespace sx
