#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "aface/core/error.h"
#include "aface/core/span.h"

struct sqlite3;
struct sqlite3_stmt;
struct sqlite3_blob;

namespace aface {

// A connection to an SQLite file and what is asked of it. All functions throw aface::Error with the file's
// name: kIo (cannot open, full disk, read-only, locked by somebody else for longer than the wait), kFormat
// (no SQLite file, or a damaged one). One thread at a time for a connection and what belongs to it.
class Database {
 public:
  // The file must exist; one that may not be written to is opened for reading. `wait_ms`: how long to wait
  // for locks.
  Database(std::string path, int wait_ms);

  // Statements without answers; several, separated by ';'.
  void execute(const char* sql);
  // The one number that a statement answers.
  std::int64_t number(const char* sql);
  std::int64_t last_id() const;
  bool is_read_only() const;

  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_.get(); }
  // The error that a result code of SQLite stands for.
  Error error(int code) const;
  void check(int code) const;

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::string path_;
  int wait_ms_;
  std::unique_ptr<sqlite3, Close> handle_;
};

// A statement that is asked again and again. Values are bound from 1, columns read from 0.
class Statement {
 public:
  Statement(Database& database, const char* sql);

  // Binds all values and goes before the first row.
  template <class... Values>
  Statement& with(const Values&... values) {
    reset();
    int place = 0;
    (bind(++place, values), ...);
    return *this;
  }
  // The next row; false when there is none, and the statement then holds no lock.
  bool next();
  // For statements that answer nothing.
  void run();
  void reset();

  std::int64_t integer(int column) const;
  std::string text(int column) const;
  Span<const unsigned char> bytes(int column) const;  // until the next row

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* handle) const;
  };
  void bind(int place, std::int64_t value);
  void bind(int place, const std::string& text);
  void bind(int place, Span<const unsigned char> bytes);

  Database* database_;
  std::unique_ptr<sqlite3_stmt, Finalise> handle_;
};

// From the first word to commit(): all or nothing; undone when it goes without commit().
class Transaction {
 public:
  enum class Kind { kRead, kWrite };
  Transaction(Database& database, Kind kind);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

// The large value of a row, read and written in place. Moves from row to row of one column.
class BlobCursor {
 public:
  enum class Access { kRead, kWrite };
  BlobCursor(Database& database, const char* table, const char* column, Access access);
  ~BlobCursor();
  BlobCursor(const BlobCursor&) = delete;
  BlobCursor& operator=(const BlobCursor&) = delete;

  // To the row with this id, which must exist.
  void move_to(std::int64_t row);
  std::size_t size() const;
  void read(std::size_t offset, std::size_t size, void* out) const;
  void write(std::size_t offset, std::size_t size, const void* data);

 private:
  Database& database_;
  const char *table_, *column_;
  Access access_;
  sqlite3_blob* handle_ = nullptr;
  std::int64_t row_ = -1;
};

}  // namespace aface
