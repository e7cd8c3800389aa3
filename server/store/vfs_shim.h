// A file system for SQLite that passes everything on to the platform's; tests put their own methods
// in. File is a struct that begins with a sqlite3_file; the platform's file lies behind it.
#pragma once

#include <sqlite3.h>

namespace sx::store {

template <class File>
struct VfsShim {
  static File* own(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(own(file) + 1);
  }

  // All methods but xFetch: no memory map goes past the shim.
  static sqlite3_io_methods methods() {
    sqlite3_io_methods m{};
    m.iVersion = 2;
    m.xClose = [](sqlite3_file* f) { return of(f)->xClose(real(f)); };
    m.xRead = [](sqlite3_file* f, void* out, int n, sqlite3_int64 at) {
      return of(f)->xRead(real(f), out, n, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* bytes, int n, sqlite3_int64 at) {
      return of(f)->xWrite(real(f), bytes, n, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return of(f)->xTruncate(real(f), n); };
    m.xSync = [](sqlite3_file* f, int flags) { return of(f)->xSync(real(f), flags); };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return of(f)->xFileSize(real(f), n); };
    m.xLock = [](sqlite3_file* f, int level) { return of(f)->xLock(real(f), level); };
    m.xUnlock = [](sqlite3_file* f, int level) { return of(f)->xUnlock(real(f), level); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return of(f)->xCheckReservedLock(real(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int op, void* argument) {
      return of(f)->xFileControl(real(f), op, argument);
    };
    m.xSectorSize = [](sqlite3_file* f) { return of(f)->xSectorSize(real(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) {
      return of(f)->xDeviceCharacteristics(real(f));
    };
    m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return of(f)->xShmMap(real(f), page, size, extend, out);
    };
    m.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return of(f)->xShmLock(real(f), offset, n, flags);
    };
    m.xShmBarrier = [](sqlite3_file* f) { of(f)->xShmBarrier(real(f)); };
    m.xShmUnmap = [](sqlite3_file* f, int remove) { return of(f)->xShmUnmap(real(f), remove); };
    return m;
  }

  // The platform's file system under another name, with room for a File before each of its files.
  static sqlite3_vfs vfs(sqlite3_vfs* platform, const char* name) {
    sqlite3_vfs made = *platform;
    made.zName = name;
    made.szOsFile = static_cast<int>(sizeof(File)) + platform->szOsFile;
    made.pNext = nullptr;
    return made;
  }

 private:
  static const sqlite3_io_methods* of(sqlite3_file* file) { return real(file)->pMethods; }
};

}  // namespace sx::store
