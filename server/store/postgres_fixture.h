// A PostgreSQL server for tests: Debian's, in a temporary folder, reached by a socket there, run by
// an unprivileged user. One for each test program; every test gets a schema of its own.
#pragma once

#include <string>

namespace sx::store {

class Postgres {
 public:
  // The running server of this test program; the first call makes and starts it.
  static Postgres& server();
  ~Postgres();

  // A url whose tables nobody else uses. `more` is added to its query: "&application_name=x".
  std::string fresh_url(const std::string& more = "");
  // Stops the server as a crash would ("immediate") or in good order ("fast"), and starts it again.
  void stop(const char* mode);
  void start();
  // Runs SQL in a schema of fresh_url() or, by default, none; answers what psql prints.
  std::string sql(const std::string& statements, const std::string& url = "");

 private:
  Postgres();
  int run(const std::string& command);  // by the unprivileged user, in a shell

  std::string folder_, bin_;
  int next_ = 1;
};

}  // namespace sx::store
