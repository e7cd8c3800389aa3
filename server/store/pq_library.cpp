#include "server/store/pq_library.h"

#include <dlfcn.h>

#include "engine/base/str.h"

namespace sx::store {
namespace {

Result<PqLibrary> load() {
  void* handle = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return Error{str("PostgreSQL's client library is missing (", std::string_view(dlerror()),
                     "): install it, on Debian with `apt install libpq5`")};
  PqLibrary library;
#define X(name)                                                                  \
  library.name = reinterpret_cast<decltype(library.name)>(dlsym(handle, #name)); \
  if (!library.name)                                                             \
    return Error{"PostgreSQL's client library is too old (it lacks " #name       \
                 "): version 14 or newer is needed"};
  SX_PQ_FUNCTIONS(X)
#undef X
  return library;
}

}  // namespace

Result<const PqLibrary*> pq_library() {
  static const Result<PqLibrary> library = load();
  if (!library.ok()) return library.error();
  return &library.value();
}

}  // namespace sx::store
