#include "server/store/postgres_fixture.h"

#include <doctest/doctest.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sx::store {
namespace {

std::string find_bin() {
  glob_t found{};
  std::string bin;
  if (glob("/usr/lib/postgresql/*/bin/initdb", 0, nullptr, &found) == 0)
    bin = std::filesystem::path(found.gl_pathv[found.gl_pathc - 1]).parent_path();
  globfree(&found);
  return bin;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Postgres& Postgres::server() {
  static Postgres one;
  return one;
}

Postgres::Postgres() : bin_(find_bin()) {
  REQUIRE_MESSAGE(!bin_.empty(), "PostgreSQL is missing: scripts/setup test installs it");
  std::string pattern = (std::filesystem::temp_directory_path() / "sx-pg-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  folder_ = pattern;
  if (geteuid() == 0) {
    const passwd* user = getpwnam("postgres");
    REQUIRE(user != nullptr);
    REQUIRE(chown(folder_.c_str(), user->pw_uid, user->pw_gid) == 0);
  }
  const int made = run(bin_ + "/initdb -D " + folder_ + "/db -U tester -A trust -N -E UTF8 " +
                       "--locale=C >" + folder_ + "/initdb.log 2>&1");
  const std::string said = slurp(folder_ + "/initdb.log");
  REQUIRE_MESSAGE(made == 0, said);
  start();
}

Postgres::~Postgres() {
  if (folder_.empty()) return;
  run(bin_ + "/pg_ctl -D " + folder_ + "/db -m immediate -w stop >/dev/null 2>&1");
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

// Root may not run PostgreSQL.
int Postgres::run(const std::string& command) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0) {
      const passwd* user = getpwnam("postgres");
      if (!user || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0) _exit(126);
    }
    if (chdir("/") != 0) _exit(126);
    execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Postgres::start() {
  const int started =
      run(bin_ + "/pg_ctl -D " + folder_ + "/db -w -t 60 -l " + folder_ +
          "/server.log -o \"-c listen_addresses='' -c unix_socket_directories=" + folder_ +
          " -c max_connections=50 -c shared_buffers=32MB\" start >/dev/null 2>&1");
  const std::string said = slurp(folder_ + "/server.log");
  REQUIRE_MESSAGE(started == 0, said);
}

void Postgres::stop(const char* mode) {
  REQUIRE(run(bin_ + "/pg_ctl -D " + folder_ + "/db -m " + mode + " -w stop >/dev/null 2>&1") == 0);
}

std::string Postgres::fresh_url(const std::string& more) {
  const std::string schema = "t" + std::to_string(next_++);
  sql("CREATE SCHEMA " + schema);
  return "postgres:///postgres?host=" + folder_ + "&user=tester&options=-csearch_path%3D" + schema +
         more;
}

std::string Postgres::sql(const std::string& statements, const std::string& url) {
  const std::string to =
      url.empty() ? "postgres:///postgres?host=" + folder_ + "&user=tester" : url;
  std::ofstream(folder_ + "/in.sql") << statements;
  const int done = run(bin_ + "/psql -q -A -t -v ON_ERROR_STOP=1 '" + to + "' -f " + folder_ +
                       "/in.sql >" + folder_ + "/out.txt 2>&1");
  std::string out = slurp(folder_ + "/out.txt");
  REQUIRE_MESSAGE(done == 0, out);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

}  // namespace sx::store
