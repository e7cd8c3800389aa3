// Small file operations that are on disk when they return.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace sx::store {

std::string folder_of(const std::string& path);
// Makes the folder and its missing parents, each with mode 0700.
Result<void> make_folders(const std::string& folder);
Result<void> sync_folder(const std::string& folder);
// Writes a file under a temporary name in the same folder, syncs it and renames it into place, so
// that a reader sees the old file, or none, or all of the new one.
Result<void> write_file_durably(const std::string& path, std::string_view bytes);
// The end of such a writing, for those who fill the temporary file themselves: syncs `fd`, renames
// `temporary` to `path` and syncs the folder. On failure the temporary file is removed.
Result<void> put_in_place(int fd, const std::string& temporary, const std::string& path);
// An Error from errno: what was being done, to which file, why not, and what may help.
Error file_error(std::string_view doing, const std::string& path, int code);
bool write_all(int fd, std::string_view bytes);  // false: see errno
// Writes the file's bytes anew and puts the copy in its place. After a failed sync the kernel may
// hold bytes as clean that never reached the disk; only writing them again brings them there.
Result<void> renew_file(const std::string& path);

}  // namespace sx::store
