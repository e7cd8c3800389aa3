// Files and standard input for programs that a person runs: sx run, eval, repl, test. A server's
// handlers have none of these.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "engine/base/str.h"
#include "engine/base/utf8.h"
#include "engine/value/collections.h"
#include "server/cli/cli.h"

namespace sx::cli {

namespace {

namespace fs = std::filesystem;

std::string_view kind_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "not-found";
    case EACCES:
    case EPERM:
    case EROFS:
      return "permission-error";
    case EEXIST:
      return "exists";
    case ENOTEMPTY:
      return "not-empty";
    default:
      return "io-error";
  }
}

void fail_by_errno(IoCall& call, const std::string& path, std::string_view what) {
  const int error = errno;
  call.fail(kind_of(error), str(call.op, ": ", path, ": ", what, ": ", std::strerror(error)));
}

// A path as programs give it; a NUL in it would be cut off silently.
bool path_argument(IoCall& call, int i, std::string& out) {
  if (!call.text(i, out)) return false;
  if (!out.empty() && out.find('\0') == std::string::npos) return true;
  call.fail("type-error", str(call.op, ": Expected a path, got ",
                              out.empty() ? "an empty text" : "a text with a zero character"));
  return false;
}

void reply_text(IoCall& call, std::string_view text, std::string_view from) {
  const std::size_t good = utf8_valid_prefix(text);
  if (good == text.size()) return call.reply(make_string(call.vm.cx, text));
  call.fail("encoding-error", str(call.op, ": ", from, ": Expected UTF-8, got byte ",
                                  static_cast<unsigned>(static_cast<unsigned char>(text[good])),
                                  " at offset ", good, "; read it as bytes instead"));
}

// errno tells what went wrong.
bool read_whole(const std::string& path, std::string& out) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && info.st_size > 0)
    out.reserve(static_cast<std::size_t>(info.st_size));
  char buffer[64 * 1024];
  ssize_t n = 0;
  while ((n = ::read(fd, buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR))
    if (n > 0) out.append(buffer, static_cast<std::size_t>(n));
  const int error = errno;
  ::close(fd);
  errno = error;
  return n == 0;
}

void read_file_op(IoCall& call) {
  std::string path, as;
  if (!path_argument(call, 0, path) || !call.text(1, as)) return;
  std::string data;
  if (!read_whole(path, data)) return fail_by_errno(call, path, "cannot be read");
  if (!call.vm.cx.heap.can_allocate(data.size()))
    return call.fail("limit", str(call.op, ": ", path, ": ", data.size(),
                                  " bytes are more than the heap may hold"));
  if (as == "bytes")
    return call.reply(
        make_bytes(call.vm.cx, {reinterpret_cast<const std::uint8_t*>(data.data()), data.size()}));
  reply_text(call, data, path);
}

bool append(const std::string& path, std::string_view data, int flags) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
  if (fd < 0) return false;
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    data.remove_prefix(static_cast<std::size_t>(n));
  }
  const int error = errno;
  ::close(fd);
  errno = error;
  return data.empty();
}

void write_file_op(IoCall& call) {
  std::string path, how;
  if (!path_argument(call, 0, path)) return;
  std::string data;
  if (const Value given = call.arg(1); is_bytes(given)) {
    data.assign(reinterpret_cast<const char*>(as_bytes(given)->data()), as_bytes(given)->byte_len);
  } else if (!call.text(1, data)) {
    return;
  }
  if (!call.text(2, how)) return;
  if (how == "replace") {
    const auto written = write_file(path, data);
    if (!written.ok())
      return call.fail(kind_of(errno), str(call.op, ": ", written.error().message));
  } else if (how == "append" || how == "new") {
    if (!append(path, data, how == "new" ? O_EXCL : O_APPEND))
      return fail_by_errno(call, path, "cannot be written");
  } else {
    return call.fail(
        "type-error",
        str(call.op, ": Expected \"replace\", \"append\" or \"new\", got \"", how, "\""));
  }
  call.reply(Value::nil());
}

Value description(Context& cx, const struct stat& info, const char* name) {
  const mode_t mode = info.st_mode;
  Root what(cx.heap, make_string(cx, S_ISREG(mode)   ? "file"
                                     : S_ISDIR(mode) ? "folder"
                                     : S_ISLNK(mode) ? "link"
                                                     : "other"));
  Root size(cx.heap, make_int(cx, static_cast<std::int64_t>(info.st_size)));
  Root modified(cx.heap, make_int(cx, std::int64_t{info.st_mtim.tv_sec} * 1000 +
                                          info.st_mtim.tv_nsec / 1'000'000));
  if (!name) {
    const Field fields[] = {{"kind", what}, {"size", size}, {"modified", modified}};
    return make_dict(cx, fields);
  }
  // A name that is no UTF-8 is shown with what cannot be read replaced.
  Root text(cx.heap, make_string(cx, utf8_replace_invalid(name)));
  const Field fields[] = {{"name", text}, {"kind", what}, {"size", size}, {"modified", modified}};
  return make_dict(cx, fields);
}

void stat_op(IoCall& call) {
  std::string path;
  if (!path_argument(call, 0, path)) return;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 || ::lstat(path.c_str(), &info) == 0)
    return call.reply(description(call.vm.cx, info, nullptr));
  if (errno == ENOENT || errno == ENOTDIR) return call.reply(Value::nil());
  fail_by_errno(call, path, "cannot be looked at");
}

void list_op(IoCall& call) {
  std::string path;
  if (!path_argument(call, 0, path)) return;
  DIR* folder = ::opendir(path.c_str());
  if (!folder) return fail_by_errno(call, path, "cannot be listed");
  std::vector<std::pair<std::string, struct stat>> entries;
  for (errno = 0; const dirent* entry = ::readdir(folder); errno = 0) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    struct stat info {};
    if (::fstatat(::dirfd(folder), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0)
      entries.emplace_back(name, info);
  }
  const int error = errno;
  ::closedir(folder);
  if ((errno = error) != 0) return fail_by_errno(call, path, "cannot be listed");
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  Context& cx = call.vm.cx;
  Root list(cx.heap, empty_vector(cx));
  for (const auto& [name, info] : entries) {
    const Value one = description(cx, info, name.c_str());
    list = vector_push(cx, list, one);
  }
  call.reply(list);
}

void read_line_op(IoCall& call) {
  char* line = nullptr;
  std::size_t room = 0;
  std::fflush(stdout);  // a question that was printed stands before the answer
  ssize_t n = ::getline(&line, &room, stdin);
  if (n < 0) {
    std::free(line);
    return call.reply(Value::nil());
  }
  if (n > 0 && line[n - 1] == '\n') --n;
  if (n > 0 && line[n - 1] == '\r') --n;
  const std::string text(line, static_cast<std::size_t>(n));
  std::free(line);
  reply_text(call, text, "standard input");
}

void read_all_op(IoCall& call) {
  std::string text;
  char buffer[64 * 1024];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) text.append(buffer, n);
  reply_text(call, text, "standard input");
}

}  // namespace

void add_script_servicers(Runner& runner) {
  runner.add("console/read-line", read_line_op);
  runner.add("console/read-all", read_all_op);
  runner.add("fs/read", read_file_op);
  runner.add("fs/write", write_file_op);
  runner.add("fs/list", list_op);
  runner.add("fs/stat", stat_op);
  runner.add("fs/make-folder", [](IoCall& call) {
    std::string path;
    if (!path_argument(call, 0, path)) return;
    std::error_code ec;
    fs::create_directories(path, ec);
    if (!ec && !fs::is_directory(path, ec)) ec = std::make_error_code(std::errc::file_exists);
    if ((errno = ec.value()) != 0) return fail_by_errno(call, path, "cannot be made");
    call.reply(Value::nil());
  });
  runner.add("fs/rename", [](IoCall& call) {
    std::string from, to;
    if (!path_argument(call, 0, from) || !path_argument(call, 1, to)) return;
    if (::rename(from.c_str(), to.c_str()) != 0)
      return fail_by_errno(call, str(from, " to ", to), "cannot be renamed");
    call.reply(Value::nil());
  });
  runner.add("fs/remove", [](IoCall& call) {
    std::string path;
    if (!path_argument(call, 0, path)) return;
    if (::remove(path.c_str()) != 0) {
      if (errno == ENOENT) return call.reply(Value::boolean(false));
      return fail_by_errno(call, path, "cannot be removed");
    }
    call.reply(Value::boolean(true));
  });
}

}  // namespace sx::cli
