// libFuzzer target: bundles from outside, run within limits. What passes the verifier may do what
// it likes in the language, but nothing to the process. Each input is taken as it is and resealed.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "engine/vm/test_bundle.h"

namespace {

using namespace sx;

// The sample, compiled once. It uses primitives only: its core library is empty.
const std::string& sample() {
  static const std::string bytes = [] {
    Engine engine((VmConfig()));
    engine.find_source = [](std::string_view) {
      return SourceFile{"(module core :export ())", "core.sx"};
    };
    auto image = engine.compile({std::string(kTestBundleSource), "lib/demo/all.sx"});
    if (!image.ok()) {
      std::fprintf(stderr, "run_bundle_fuzz: the sample does not compile: %s\n",
                   image.error().message.c_str());
      std::abort();
    }
    (*image)->uses.clear();
    const UnitImage& unit = **image;
    return encode_bundle({&unit}, 0, engine_tables());
  }();
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One engine serves some inputs: what one damages, the next shows. Every second one moves its
  // objects.
  static std::unique_ptr<Engine> engine;
  static unsigned runs = 0;
  if (runs++ % 128 == 0) {
    VmConfig config = small_vm();
    config.heap.stress = runs / 128 % 2 != 0;
    engine = std::make_unique<Engine>(config);
  }
  std::string bytes(reinterpret_cast<const char*>(data), size);
  int ran = 0;
  run_bundle_within_limits(*engine, bytes, ran);
  reseal_bundle(bytes);
  run_bundle_within_limits(*engine, bytes, ran);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned) {
  if (size < 100 && sample().size() <= max_size)
    size = sample().copy(reinterpret_cast<char*>(data), sample().size());
  return LLVMFuzzerMutate(data, size, max_size);
}
