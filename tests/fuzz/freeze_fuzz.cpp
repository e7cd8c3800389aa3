// libFuzzer target: frozen fibers from outside, thawed and run within limits. Each input is taken
// as it is, and with size and hash made good.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/bytecode/bytes.h"
#include "engine/vm/test_frozen.h"

namespace {

using namespace sx;

const std::string& sample(unsigned which) {
  static const std::string samples[] = {FrozenMachine().frozen(0), FrozenMachine().frozen(1),
                                        FrozenMachine().frozen(10), FrozenMachine().frozen(20),
                                        FrozenMachine().frozen(40)};
  return samples[which % 5];
}

// Size, header, module hashes and content hash as this engine would write them, so that what is in
// between is reached, and a kept corpus outlives changes of the tables and of the compiler.
void make_good(std::string& bytes) {
  static const FrozenInfo info = *frozen_info(FrozenMachine().engine.vm, sample(0));
  for (std::size_t i = 0; i < 4; ++i) bytes[72 + i] = static_cast<char>(bytes.size() >> (8 * i));
  bytes.replace(0, 40, sample(0), 0, 40);
  ByteReader in(bytes);
  in.take(77);
  for (std::size_t names = in.count_of(1); names > 0 && in.ok(); --names) in.text();
  const std::size_t units = in.count_of(34);
  for (std::size_t i = 0; i < units && i < info.units.size() && in.ok(); ++i) {
    in.text();
    in.text();
    if (in.ok() && in.left() >= 32) bytes.replace(in.at(), 32, info.units[i].hash);
    in.take(32);
  }
  reseal_frozen(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // One engine serves some inputs: what one damages, the next shows. Every second one moves its
  // objects.
  static std::unique_ptr<FrozenMachine> machine;
  static unsigned runs = 0;
  if (runs++ % 128 == 0) machine = std::make_unique<FrozenMachine>(runs / 128 % 2 != 0);
  std::string bytes(reinterpret_cast<const char*>(data), size);
  machine->run_within_limits(bytes);
  if (size < 80) return 0;
  make_good(bytes);
  machine->run_within_limits(bytes);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const std::string& good = sample(seed / 16);
  if ((size < 100 || seed % 64 == 0) && good.size() <= max_size)
    size = good.copy(reinterpret_cast<char*>(data), good.size());
  return LLVMFuzzerMutate(data, size, max_size);
}
