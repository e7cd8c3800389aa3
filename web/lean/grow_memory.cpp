// Where malloc gets its memory from. The module's memory grows by half of what it has, because each
// step costs the host a millisecond or more; pages that nobody touched cost nothing.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

extern "C" char __heap_base;  // by the linker: behind the stack and the constants

namespace {

constexpr std::size_t kPage = 65536;
constexpr std::size_t kLeastPages = (std::size_t{4} << 20) / kPage;

bool grow_to(std::size_t bytes) {
  const std::size_t pages = __builtin_wasm_memory_size(0);
  const std::size_t wanted = (bytes + kPage - 1) / kPage;
  if (wanted <= pages) return true;
  const std::size_t missing = wanted - pages;
  const auto refused = static_cast<std::size_t>(-1);
  return __builtin_wasm_memory_grow(0, std::max({missing, pages / 2, kLeastPages})) != refused ||
         __builtin_wasm_memory_grow(0, missing) != refused;
}

}  // namespace

// Takes the place of the C library's, which grows by just what is missing. Memory is never given
// back.
extern "C" void* sbrk(std::intptr_t more) {
  static auto end = reinterpret_cast<std::uintptr_t>(&__heap_base);
  const std::uintptr_t begin = end;
  const std::uintptr_t next =
      begin + ((static_cast<std::uintptr_t>(more) + 15) & ~std::uintptr_t{15});
  if (next < begin || !grow_to(next)) {
    errno = ENOMEM;
    return reinterpret_cast<void*>(-1);
  }
  end = next;
  return reinterpret_cast<void*>(begin);
}
