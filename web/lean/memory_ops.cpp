// memcpy and its kin. In V8 memory.copy and memory.fill leave the module for a function of the
// host, some twenty nanoseconds each, and most of what is copied and compared here has a few words:
// so the engine is compiled without bulk memory (its copies become calls of these), and only long
// stretches are left to the host. What comes from the C library goes byte by byte.
#include <cstddef>
#include <cstdint>

namespace {

constexpr std::size_t kLong = 256;  // from here on the host is faster

// Words wherever they lie: WebAssembly has no alignment to mind.
template <class Word>
struct __attribute__((packed, may_alias)) Unaligned {
  Word word;
};
template <class Word>
inline Word load(const char* at) {
  return reinterpret_cast<const Unaligned<Word>*>(at)->word;
}
template <class Word>
inline void store(char* at, Word word) {
  reinterpret_cast<Unaligned<Word>*>(at)->word = word;
}
using U64 = std::uint64_t;
using U32 = std::uint32_t;

}  // namespace

extern "C" {

// Forwards: `to` may overlap what lies behind it.
void* memcpy(void* __restrict target, const void* __restrict source, std::size_t n) {
  char* to = static_cast<char*>(target);
  const char* from = static_cast<const char*>(source);
  if (n >= kLong) {
    asm volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0" ::"r"(to), "r"(from),
                 "r"(n)
                 : "memory");
    return target;
  }
  if (n >= 8) {
    const U64 last = load<U64>(from + n - 8);
    char* const end = to + n - 8;
    for (; to < end; to += 8, from += 8) store(to, load<U64>(from));
    store(end, last);
  } else if (n >= 4) {
    const U32 last = load<U32>(from + n - 4);
    store(to, load<U32>(from));
    store(to + n - 4, last);
  } else if (n > 0) {
    const char middle = from[n / 2], last = from[n - 1];
    to[0] = from[0];
    to[n / 2] = middle;
    to[n - 1] = last;
  }
  return target;
}

void* memmove(void* target, const void* source, std::size_t n) {
  const auto distance =
      static_cast<std::size_t>(static_cast<char*>(target) - static_cast<const char*>(source));
  if (distance >= n) return memcpy(target, source, n);
  asm volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.copy 0, 0" ::"r"(target),
               "r"(source), "r"(n)
               : "memory");
  return target;
}

void* memset(void* target, int byte, std::size_t n) {
  char* to = static_cast<char*>(target);
  if (n >= kLong) {
    asm volatile("local.get %0\nlocal.get %1\nlocal.get %2\nmemory.fill 0" ::"r"(to), "r"(byte),
                 "r"(n)
                 : "memory");
    return target;
  }
  if (n >= 8) {
    const U64 word = static_cast<unsigned char>(byte) * 0x0101010101010101u;
    char* const end = to + n - 8;
    for (; to < end; to += 8) store(to, word);
    store(end, word);
  } else {
    for (; n > 0; --n) *to++ = static_cast<char>(byte);
  }
  return target;
}

int memcmp(const void* left, const void* right, std::size_t n) {
  const char* a = static_cast<const char*>(left);
  const char* b = static_cast<const char*>(right);
  for (; n >= 8; n -= 8, a += 8, b += 8) {
    const U64 x = load<U64>(a), y = load<U64>(b);
    if (x != y) return __builtin_bswap64(x) < __builtin_bswap64(y) ? -1 : 1;
  }
  for (; n > 0; --n, ++a, ++b)
    if (*a != *b) return static_cast<unsigned char>(*a) - static_cast<unsigned char>(*b);
  return 0;
}

void* memchr(const void* text, int byte, std::size_t n) {
  const char* at = static_cast<const char*>(text);
  const char wanted = static_cast<char>(byte);
  constexpr U64 kEach = 0x0101010101010101u, kTop = 0x8080808080808080u;
  const U64 pattern = static_cast<unsigned char>(byte) * kEach;
  for (; n >= 8; n -= 8, at += 8) {
    const U64 other = load<U64>(at) ^ pattern;  // its first byte of zero is the one that is wanted
    const U64 found = (other - kEach) & ~other & kTop;
    if (found != 0) return const_cast<char*>(at + __builtin_ctzll(found) / 8);
  }
  for (; n > 0; --n, ++at)
    if (*at == wanted) return const_cast<char*>(at);
  return nullptr;
}

}  // extern "C"
