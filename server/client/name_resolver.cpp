#include "server/client/name_resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace sx {

namespace {

constexpr auto kIdleTime = std::chrono::seconds(10);  // then a thread ends

NameAnswer ask_system(const std::string& name) {
  NameAnswer answer;
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  int failed = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found);
  if (failed == EAI_BADFLAGS || failed == EAI_NONAME) {
    // A machine with nothing but loopback counts as having no address family at all.
    wanted.ai_flags = 0;
    failed = ::getaddrinfo(name.c_str(), nullptr, &wanted, &found);
  }
  if (failed != 0) {
    answer.error = failed == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(failed);
    return answer;
  }
  for (const addrinfo* at = found; at; at = at->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(at->ai_addr, at->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) ==
        0)
      answer.addresses.emplace_back(text);
  }
  ::freeaddrinfo(found);
  if (answer.addresses.empty()) answer.error = "the name has no address";
  return answer;
}

}  // namespace

struct NameResolver::Shared {
  std::size_t threads_max = 0;
  Lookup lookup;
  std::mutex mutex;
  std::condition_variable changed;
  // Below the mutex. A name is in `waiting` from the first question to its answer.
  std::map<std::string, std::vector<std::function<void(const NameAnswer&)>>> waiting;
  std::deque<std::string> queue;  // names that no thread has taken yet
  std::size_t threads = 0;
  std::size_t idle = 0;
  bool ended = false;
  // Held while answers are given, so that the end waits for those under way and for nothing else.
  std::mutex answering;
};

NameResolver::NameResolver(std::size_t threads_max, Lookup lookup)
    : shared_(std::make_shared<Shared>()) {
  shared_->threads_max = threads_max;
  shared_->lookup = lookup ? std::move(lookup) : ask_system;
}

NameResolver::~NameResolver() {
  const std::lock_guard answering(shared_->answering);
  const std::lock_guard lock(shared_->mutex);
  shared_->ended = true;
  shared_->queue.clear();
  shared_->waiting.clear();
  shared_->changed.notify_all();
}

void NameResolver::resolve(const std::string& name, std::function<void(const NameAnswer&)> done) {
  Shared& s = *shared_;
  const std::lock_guard lock(s.mutex);
  auto& callers = s.waiting[name];
  callers.push_back(std::move(done));
  if (callers.size() > 1) return;
  s.queue.push_back(name);
  if (s.idle >= s.queue.size() || s.threads >= s.threads_max) return s.changed.notify_one();
  ++s.threads;
  std::thread([shared = shared_] { run(shared); }).detach();
}

void NameResolver::run(const std::shared_ptr<Shared>& shared) {
  Shared& s = *shared;
  std::unique_lock lock(s.mutex);
  while (!s.ended) {
    if (s.queue.empty()) {
      ++s.idle;
      s.changed.wait_for(lock, kIdleTime, [&] { return s.ended || !s.queue.empty(); });
      --s.idle;
      if (s.queue.empty()) break;
      continue;
    }
    const std::string name = std::move(s.queue.front());
    s.queue.pop_front();
    lock.unlock();
    const NameAnswer answer = s.lookup(name);
    {
      const std::lock_guard answering(s.answering);
      lock.lock();
      const auto at = s.waiting.find(name);
      auto callers = at == s.waiting.end() ? std::vector<std::function<void(const NameAnswer&)>>()
                                           : std::move(at->second);
      if (at != s.waiting.end()) s.waiting.erase(at);
      lock.unlock();
      for (const auto& done : callers) done(answer);
    }
    lock.lock();
  }
  --s.threads;
}

}  // namespace sx
