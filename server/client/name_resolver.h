// Names to addresses, off everybody's loop.
//
// The system's resolver blocks, for many seconds where a name server does not answer. So lookups
// run on threads of their own: a name that hangs holds up one of them, and whoever asks for the
// same name meanwhile waits for the same lookup instead of taking another thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sx {

struct NameAnswer {
  std::vector<std::string> addresses;  // as texts, in the order of preference
  std::string error;                   // why there are none
};

class NameResolver {
 public:
  using Lookup = std::function<NameAnswer(const std::string& name)>;

  // getaddrinfo, unless a test has another idea.
  explicit NameResolver(std::size_t threads_max = 8, Lookup lookup = nullptr);
  NameResolver(const NameResolver&) = delete;
  NameResolver& operator=(const NameResolver&) = delete;
  // Nobody is called afterwards. A lookup that hangs is not waited for.
  ~NameResolver();

  // done is called once, on a thread of the resolver; never after the end of this object. With all
  // threads busy the name waits for one: callers keep their own deadline.
  void resolve(const std::string& name, std::function<void(const NameAnswer&)> done);

 private:
  struct Shared;
  static void run(const std::shared_ptr<Shared>& shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace sx
