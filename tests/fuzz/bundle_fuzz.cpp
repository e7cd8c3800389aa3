// libFuzzer target: bundles from outside. Each input is read twice, as it is and with its content
// hash made right (otherwise nothing behind the hash would ever be reached); a unit that verifies
// is linked and listed. Seeds: bundles made by `sx build`.
#include <cstddef>
#include <cstdint>

#include "engine/bytecode/bundle.h"
#include "engine/bytecode/disasm.h"
#include "engine/bytecode/test_units.h"
#include "engine/bytecode/unit.h"
#include "engine/bytecode/verify.h"
#include "engine/gc/context.h"

namespace {

// Small enough that a hostile function ends soon; the engine's own limits are larger.
constexpr sx::VerifyLimits kLimits = {1u << 16, std::uint64_t{1} << 24, std::size_t{16} << 20};

void load(const std::string& bytes) {
  sx::Result<sx::Bundle> bundle = sx::decode_bundle(bytes, sx::test_tables());
  if (!bundle.ok()) return;
  for (auto& unit : bundle->units) {
    sx::disassemble(*unit, sx::test_tables());
    if (!sx::verify_unit(*unit, sx::test_tables(), kLimits).ok()) continue;
    sx::HeapConfig config;
    config.nursery_bytes = 64 * 1024;
    sx::Context cx(config, 1);
    sx::Globals globals;
    sx::link_unit(cx, globals, std::move(unit));
  }
}

// A bundle whose header belongs to this engine, with everything behind the table from the input.
std::string with_header(const std::string& bytes) {
  static const sx::UnitImage sample = sx::test_unit();
  static const std::string good = sx::encode_bundle({&sample}, 0, sx::test_tables());
  std::string out = bytes;
  const std::size_t header = 40;
  if (out.size() >= header) out.replace(0, header, good, 0, header);
  sx::reseal_bundle(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  load(bytes);
  load(with_header(bytes));
  return 0;
}

// Mutations start from a bundle that is right: an empty corpus would not get past the table.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  if (size < 100) {
    const sx::UnitImage sample = sx::test_unit();
    const std::string good = sx::encode_bundle({&sample}, 0, sx::test_tables());
    if (good.size() <= max_size) {
      good.copy(reinterpret_cast<char*>(data), good.size());
      size = good.size();
    }
  }
  (void)seed;
  return LLVMFuzzerMutate(data, size, max_size);
}
