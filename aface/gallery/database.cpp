#include "aface/gallery/database.h"

#include <fmt/core.h>
#include <sqlite3.h>

#include <cstring>
#include <utility>

#include "aface/core/check.h"
#include "aface/core/one_line.h"

namespace aface {
namespace {

constexpr std::size_t kLongestMessage = 200;

}  // namespace

void Database::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

Database::Database(std::string path, int wait_ms) : path_(std::move(path)), wait_ms_(wait_ms) {
  sqlite3* opened = nullptr;
  const int code =
      sqlite3_open_v2(path_.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(opened);
  check(code);
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_busy_timeout(opened, wait_ms);
}

Error Database::error(int code) const {
  const auto make = [&](ErrorKind kind, const std::string& text) { return Error(kind, path_ + ": " + text); };
  const std::string said =
      one_line(handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(code), kLongestMessage);
  const int reason = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
  const std::string detail = reason != 0 ? fmt::format("{}, {}", said, std::strerror(reason)) : said;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return make(ErrorKind::kIo,
                  fmt::format("locked: another program is at work on it (waited {:.1f} s); try again later",
                              wait_ms_ / 1e3));
    case SQLITE_NOTADB:
      return make(ErrorKind::kFormat, "not a gallery (no SQLite file); check the path");
    case SQLITE_CORRUPT:
      return make(ErrorKind::kFormat, fmt::format("damaged ({}); take the last good copy", said));
    case SQLITE_FULL:
      return make(ErrorKind::kIo, "the disk is full, nothing was changed; free some space");
    case SQLITE_READONLY:
      return make(
          ErrorKind::kIo,
          fmt::format("cannot be written to ({}); check the permissions of the file and its folder", said));
    case SQLITE_CANTOPEN:
      return make(ErrorKind::kIo,
                  fmt::format("cannot open ({}); check the path, and the permissions of the file and its "
                              "folder",
                              detail));
    case SQLITE_IOERR:
      return make(ErrorKind::kIo, fmt::format("cannot read or write ({}); nothing was changed", detail));
    case SQLITE_NOMEM:
      return make(ErrorKind::kIo, "out of memory");
    case SQLITE_ERROR:  // a table that should be there is not
      return make(ErrorKind::kFormat, fmt::format("not a gallery, or damaged ({})", said));
    default:
      return Error(ErrorKind::kInternal,
                   fmt::format("{}: internal error, please report: SQLite says {} ({})", path_, said, code));
  }
}

void Database::check(int code) const {
  if (code != SQLITE_OK) throw error(code);
}

void Database::execute(const char* sql) {
  check(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr));
}

std::int64_t Database::number(const char* sql) {
  Statement statement(*this, sql);
  AFACE_CHECK(statement.next(), "{}: no answer", sql);
  return statement.integer(0);
}

std::int64_t Database::last_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

bool Database::is_read_only() const { return sqlite3_db_readonly(handle_.get(), "main") == 1; }

void Statement::Finalise::operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }

Statement::Statement(Database& database, const char* sql) : database_(&database) {
  sqlite3_stmt* prepared = nullptr;
  database.check(sqlite3_prepare_v2(database.handle(), sql, -1, &prepared, nullptr));
  handle_.reset(prepared);
}

bool Statement::next() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  // Before reset() the message is still there to be told.
  if (code != SQLITE_DONE) {
    const Error failure = database_->error(code);
    sqlite3_reset(handle_.get());
    throw failure;
  }
  sqlite3_reset(handle_.get());
  return false;
}

void Statement::run() { AFACE_CHECK(!next(), "a statement that should not answer"); }

void Statement::reset() { sqlite3_reset(handle_.get()); }

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_.get(), column); }

std::string Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return text == nullptr
             ? ""
             : std::string(text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column)));
}

Span<const unsigned char> Statement::bytes(int column) const {
  const auto* bytes = static_cast<const unsigned char*>(sqlite3_column_blob(handle_.get(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void Statement::bind(int place, std::int64_t value) {
  database_->check(sqlite3_bind_int64(handle_.get(), place, value));
}

void Statement::bind(int place, const std::string& text) {
  database_->check(
      sqlite3_bind_text(handle_.get(), place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT));
}

void Statement::bind(int place, Span<const unsigned char> bytes) {
  database_->check(sqlite3_bind_blob(handle_.get(), place, bytes.data(), static_cast<int>(bytes.size()),
                                     SQLITE_TRANSIENT));
}

Transaction::Transaction(Database& database, Kind kind) : database_(database) {
  // A writer takes its lock at once, so that what it reads before it writes stays true.
  database_.execute(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN");
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

BlobCursor::BlobCursor(Database& database, const char* table, const char* column, Access access)
    : database_(database), table_(table), column_(column), access_(access) {}

BlobCursor::~BlobCursor() { sqlite3_blob_close(handle_); }

void BlobCursor::move_to(std::int64_t row) {
  if (row == row_) return;
  row_ = -1;
  if (handle_ == nullptr) {
    database_.check(sqlite3_blob_open(database_.handle(), "main", table_, column_, row,
                                      access_ == Access::kWrite, &handle_));
  } else {
    database_.check(sqlite3_blob_reopen(handle_, row));
  }
  row_ = row;
}

std::size_t BlobCursor::size() const { return static_cast<std::size_t>(sqlite3_blob_bytes(handle_)); }

void BlobCursor::read(std::size_t offset, std::size_t size, void* out) const {
  database_.check(sqlite3_blob_read(handle_, out, static_cast<int>(size), static_cast<int>(offset)));
}

void BlobCursor::write(std::size_t offset, std::size_t size, const void* data) {
  database_.check(sqlite3_blob_write(handle_, data, static_cast<int>(size), static_cast<int>(offset)));
}

}  // namespace aface
