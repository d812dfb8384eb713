#include "aface/gallery/schema.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr std::int64_t kApplication = 0x41464731;  // "AFG1", where SQLite's header names the owner of a file
constexpr std::int64_t kVersion = 1;
constexpr std::int64_t kBlockBytes = 256 << 10;

// The front of a block is longer than what SQLite may keep of a value beside others (a page less 35 bytes),
// so that all of `rows` lies on pages of its own, which are never moved nor copied.
constexpr char kTables[] = R"(
CREATE TABLE about (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE identity (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE photo (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  identity INTEGER NOT NULL REFERENCES identity(id),
  digest BLOB NOT NULL UNIQUE,
  source TEXT NOT NULL,
  slot INTEGER NOT NULL UNIQUE,
  checksum INTEGER NOT NULL);
CREATE INDEX photo_of_identity ON photo(identity);
CREATE TABLE free_slot (slot INTEGER PRIMARY KEY);
CREATE TABLE block (id INTEGER PRIMARY KEY, front BLOB NOT NULL, rows BLOB NOT NULL);
)";

}  // namespace

void set_up_connection(Database& database) {
  // Deleted bytes are overwritten with zeros; what a statement may have to undo stays in memory, not in a
  // file of its own.
  database.execute(
      "PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = ON;"
      "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536");
}

void make_private_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor >= 0) {
    ::close(descriptor);
  } else if (errno != EEXIST) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot make a gallery here ({}); check the path and the permissions of the "
                            "folder",
                            path, std::strerror(errno)));
  }
}

void create_schema(Database& database, const GalleryModel& model) {
  database.execute("PRAGMA page_size = 8192");
  Transaction transaction(database, Transaction::Kind::kWrite);
  if (database.number("SELECT count(*) FROM sqlite_master") != 0) return;
  database.execute(kTables);
  database.execute(
      fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", kApplication, kVersion).c_str());
  const auto row_bytes = static_cast<std::int64_t>(model.dim * sizeof(float));
  Statement put(database, "INSERT INTO about VALUES (?, ?)");
  put.with(std::string("model"), model.digest).run();
  put.with(std::string("dim"), static_cast<std::int64_t>(model.dim)).run();
  put.with(std::string("rows_per_block"), std::max<std::int64_t>(1, kBlockBytes / row_bytes)).run();
  for (const char* counter : {"next_slot", "version", "removals"})
    put.with(std::string(counter), std::int64_t{0}).run();
  transaction.commit();
}

GalleryAbout read_about(Database& database) {
  const auto refuse = [&](const std::string& what) {
    return Error(ErrorKind::kFormat, database.path() + ": " + what);
  };
  const std::int64_t application = database.number("PRAGMA application_id");
  if (application != kApplication) {
    const bool is_empty = database.number("SELECT count(*) FROM sqlite_master") == 0;
    throw refuse(is_empty ? "an empty file, not a gallery yet; enrol somebody first"
                          : "an SQLite file, but not a gallery; check the path");
  }
  if (const std::int64_t version = database.number("PRAGMA user_version"); version != kVersion) {
    throw refuse(
        fmt::format("a gallery of version {} (this program knows {}); take the program that wrote it",
                    version, kVersion));
  }
  GalleryAbout about;
  Statement get(database, "SELECT value FROM about WHERE key = ?");
  const auto read = [&](const char* key) -> Statement& {
    if (!get.with(std::string(key)).next())
      throw refuse(fmt::format("damaged (it does not say its {})", key));
    return get;
  };
  about.model.digest = read("model").text(0);
  const std::int64_t dim = read("dim").integer(0);
  about.rows_per_block = read("rows_per_block").integer(0);
  get.reset();
  if (dim < 1 || dim > (1 << 20) || about.rows_per_block < 1 || about.model.digest.empty()) {
    throw refuse(fmt::format("damaged (embeddings of {} values in blocks of {})", dim, about.rows_per_block));
  }
  about.model.dim = static_cast<std::size_t>(dim);
  return about;
}

}  // namespace aface
