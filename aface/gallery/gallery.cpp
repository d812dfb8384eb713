#include "aface/gallery/gallery.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "aface/core/checksum.h"
#include "aface/core/error.h"
#include "aface/core/one_line.h"
#include "aface/gallery/database.h"
#include "aface/gallery/schema.h"

namespace aface {
namespace {

constexpr std::size_t kLongestName = 200;
constexpr double kUnitTolerance = 1e-4;  // that of searches among unit rows

std::uint64_t checksum_of(const float* embedding, std::size_t dim) {
  Checksum checksum;
  checksum.add(embedding, dim * sizeof(float));
  return checksum.value();
}

std::string label_of(const Enrolment& enrolment) {
  return enrolment.source.empty() ? "a photo of '" + one_line(enrolment.identity) + "'"
                                  : one_line(enrolment.source, 200);
}

void check_enrolment(const Enrolment& enrolment, const GalleryModel& model) {
  const auto refuse = [&](ErrorKind kind, const std::string& what) {
    throw Error(kind, label_of(enrolment) + ": " + what);
  };
  if (!can_be_identity(enrolment.identity)) {
    refuse(ErrorKind::kData,
           fmt::format("'{}' cannot be a person's name (expected 1 to {} bytes without control characters)",
                       one_line(enrolment.identity), kLongestName));
  }
  if (enrolment.embedding.size() != model.dim) {
    refuse(ErrorKind::kData, fmt::format("an embedding of {} values (the gallery holds {})",
                                         enrolment.embedding.size(), model.dim));
  }
  double squares = 0;
  for (const float value : enrolment.embedding) squares += double(value) * double(value);
  if (!(std::fabs(std::sqrt(squares) - 1) <= kUnitTolerance)) {
    refuse(ErrorKind::kNumeric,
           fmt::format("the embedding has length {:.4g} (expected 1)", std::sqrt(squares)));
  }
}

void check_model(const GalleryModel& model) {
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (model.digest.empty() || model.digest.size() > kLongestName ||
      !std::all_of(model.digest.begin(), model.digest.end(), is_plain)) {
    throw Error(ErrorKind::kData,
                fmt::format("'{}' cannot name a model (expected 1 to {} printable characters without spaces)",
                            one_line(model.digest), kLongestName));
  }
  if (model.dim == 0)
    throw Error(ErrorKind::kData, "a gallery of embeddings without values; check the model");
}

std::string model_text(const GalleryModel& model) {
  return fmt::format("{} ({} values)", model.digest.substr(0, 16), model.dim);
}

}  // namespace

bool can_be_identity(const std::string& name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && name.size() <= kLongestName && std::none_of(name.begin(), name.end(), is_control);
}

struct Gallery::File {
  File(const std::string& path, const GalleryOptions& options) : database(path, options.wait_ms) {
    set_up_connection(database);
  }

  std::size_t row_bytes() const { return about.model.dim * sizeof(float); }
  std::int64_t block_of(std::int64_t slot) const { return slot / about.rows_per_block; }
  std::size_t offset_of(std::int64_t slot) const {
    return static_cast<std::size_t>(slot % about.rows_per_block) * row_bytes();
  }
  std::int64_t counter(const char* name) {
    Statement get(database, "SELECT value FROM about WHERE key = ?");
    if (!get.with(std::string(name)).next()) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("{}: damaged (it does not say its {})", database.path(), name));
    }
    return get.integer(0);
  }
  void set_counter(const char* name, std::int64_t value) {
    Statement(database, "UPDATE about SET value = ? WHERE key = ?").with(value, std::string(name)).run();
  }
  State state() { return {counter("version"), counter("removals")}; }

  std::int64_t id_of(const std::string& identity) {
    Statement find(database, "SELECT id FROM identity WHERE name = ?");
    if (!find.with(identity).next()) {
      throw Error(ErrorKind::kData, fmt::format("{}: nobody is enrolled as '{}'; see the list of names",
                                                database.path(), one_line(identity)));
    }
    return find.integer(0);
  }

  Database database;
  GalleryAbout about;
};

namespace {

// The statements of one enrolment transaction.
class Enroller {
 public:
  Enroller(Database& database, std::int64_t next_slot)
      : find_photo_(
            database,
            "SELECT identity.name FROM photo JOIN identity ON identity.id = photo.identity WHERE digest = ?"),
        find_identity_(database, "SELECT id FROM identity WHERE name = ?"),
        add_identity_(database, "INSERT INTO identity (name) VALUES (?)"),
        take_slot_(database, "SELECT min(slot) FROM free_slot HAVING min(slot) IS NOT NULL"),
        use_slot_(database, "DELETE FROM free_slot WHERE slot = ?"),
        find_block_(database, "SELECT 1 FROM block WHERE id = ?"),
        add_block_(database, "INSERT INTO block VALUES (?, zeroblob(8192), zeroblob(?))"),
        add_photo_(database,
                   "INSERT INTO photo (identity, digest, source, slot, checksum) VALUES (?, ?, ?, ?, ?)"),
        database_(database),
        next_slot_(next_slot) {}

  // Who the photo is enrolled as; empty: nobody.
  std::string owner(const Sha256::Value& photo) {
    if (!find_photo_.with(bytes_of(photo)).next()) return "";
    std::string name = find_photo_.text(0);
    find_photo_.reset();
    return name;
  }

  std::int64_t identity(const std::string& name, EnrolReport& report) {
    if (find_identity_.with(name).next()) {
      const std::int64_t id = find_identity_.integer(0);
      find_identity_.reset();
      return id;
    }
    add_identity_.with(name).run();
    ++report.new_identities;
    return database_.last_id();
  }

  // A removed person's slot, or the next one.
  std::int64_t slot() {
    if (!take_slot_.with().next()) return next_slot_++;
    const std::int64_t slot = take_slot_.integer(0);
    take_slot_.reset();
    use_slot_.with(slot).run();
    return slot;
  }

  void make_block(std::int64_t block, std::int64_t bytes) {
    if (block == last_block_) return;
    last_block_ = block;
    const bool is_there = find_block_.with(block).next();
    find_block_.reset();
    if (!is_there) add_block_.with(block, bytes).run();
  }

  void add_photo(std::int64_t identity, const Enrolment& enrolment, std::int64_t slot,
                 std::uint64_t checksum) {
    add_photo_
        .with(identity, bytes_of(enrolment.photo), enrolment.source, slot,
              static_cast<std::int64_t>(checksum))
        .run();
  }
  std::int64_t next_slot() const { return next_slot_; }

 private:
  static Span<const unsigned char> bytes_of(const Sha256::Value& photo) {
    return {photo.data(), photo.size()};
  }

  Statement find_photo_, find_identity_, add_identity_, take_slot_, use_slot_, find_block_, add_block_,
      add_photo_;
  Database& database_;
  std::int64_t next_slot_;
  std::int64_t last_block_ = -1;
};

}  // namespace

Gallery::Gallery(std::unique_ptr<File> file) : file_(std::move(file)) {}
Gallery::Gallery(Gallery&&) noexcept = default;
Gallery& Gallery::operator=(Gallery&&) noexcept = default;
Gallery::~Gallery() = default;

Gallery Gallery::open(const std::string& path, const GalleryOptions& options) {
  auto file = std::make_unique<File>(path, options);
  file->about = read_about(file->database);
  return Gallery(std::move(file));
}

Gallery Gallery::open_or_create(const std::string& path, const GalleryModel& model,
                                const GalleryOptions& options) {
  check_model(model);
  make_private_file(path);
  auto file = std::make_unique<File>(path, options);
  create_schema(file->database, model);
  file->about = read_about(file->database);
  Gallery gallery(std::move(file));
  gallery.require_model(model);
  return gallery;
}

const std::string& Gallery::path() const { return file_->database.path(); }
const GalleryModel& Gallery::model() const { return file_->about.model; }

void Gallery::require_model(const GalleryModel& model) const {
  if (model.digest == this->model().digest && model.dim == this->model().dim) return;
  throw Error(
      ErrorKind::kData,
      fmt::format("{}: the gallery belongs to model {}, these embeddings are of model {}; enrol again "
                  "with one model, or take another gallery",
                  path(), model_text(this->model()), model_text(model)));
}

EnrolReport Gallery::enrol(Span<const Enrolment> enrolments) {
  for (const Enrolment& enrolment : enrolments) check_enrolment(enrolment, model());
  EnrolReport report;
  Database& database = file_->database;
  Transaction transaction(database, Transaction::Kind::kWrite);
  {
    Enroller enroller(database, file_->counter("next_slot"));
    BlobCursor rows(database, "block", "rows", BlobCursor::Access::kWrite);
    for (const Enrolment& enrolment : enrolments) {
      if (const std::string owner = enroller.owner(enrolment.photo); !owner.empty()) {
        if (owner != enrolment.identity) {
          throw Error(ErrorKind::kData,
                      fmt::format("{}: this photo is enrolled already, as '{}' (now as '{}'); remove that "
                                  "person first, or mend the list",
                                  label_of(enrolment), one_line(owner), one_line(enrolment.identity)));
        }
        ++report.known;
        continue;
      }
      const std::int64_t identity = enroller.identity(enrolment.identity, report), slot = enroller.slot();
      enroller.make_block(file_->block_of(slot),
                          file_->about.rows_per_block * static_cast<std::int64_t>(file_->row_bytes()));
      rows.move_to(file_->block_of(slot));
      rows.write(file_->offset_of(slot), file_->row_bytes(), enrolment.embedding.data());
      enroller.add_photo(identity, enrolment, slot, checksum_of(enrolment.embedding.data(), model().dim));
      ++report.added;
    }
    if (report.added > 0) {
      file_->set_counter("next_slot", enroller.next_slot());
      file_->set_counter("version", file_->counter("version") + 1);
    }
  }
  transaction.commit();
  return report;
}

std::int64_t Gallery::remove(const std::string& identity) {
  Database& database = file_->database;
  Transaction transaction(database, Transaction::Kind::kWrite);
  const std::int64_t id = file_->id_of(identity);
  std::vector<std::int64_t> slots;
  {
    Statement of_identity(database, "SELECT slot FROM photo WHERE identity = ?");
    for (of_identity.with(id); of_identity.next();) slots.push_back(of_identity.integer(0));
    BlobCursor rows(database, "block", "rows", BlobCursor::Access::kWrite);
    Statement free(database, "INSERT INTO free_slot VALUES (?)");
    const std::vector<unsigned char> zeros(file_->row_bytes());
    for (const std::int64_t slot : slots) {
      rows.move_to(file_->block_of(slot));
      rows.write(file_->offset_of(slot), zeros.size(), zeros.data());
      free.with(slot).run();
    }
  }
  Statement(database, "DELETE FROM photo WHERE identity = ?").with(id).run();
  Statement(database, "DELETE FROM identity WHERE id = ?").with(id).run();
  const State before = file_->state();
  file_->set_counter("version", before.version + 1);
  file_->set_counter("removals", before.removals + 1);
  transaction.commit();
  return static_cast<std::int64_t>(slots.size());
}

GalleryCounts Gallery::counts() {
  const Transaction transaction(file_->database, Transaction::Kind::kRead);
  return {file_->database.number("SELECT count(*) FROM identity"),
          file_->database.number("SELECT count(*) FROM photo")};
}

std::vector<GalleryIdentity> Gallery::identities() {
  std::vector<GalleryIdentity> found;
  Statement all(
      file_->database,
      "SELECT name, (SELECT count(*) FROM photo WHERE identity = identity.id) FROM identity ORDER BY name");
  while (all.next()) found.push_back({all.text(0), all.integer(1)});
  return found;
}

std::vector<GalleryPhoto> Gallery::photos(const std::string& identity) {
  const Transaction transaction(file_->database, Transaction::Kind::kRead);
  std::vector<GalleryPhoto> found;
  Statement of_identity(file_->database,
                        "SELECT id, source, digest FROM photo WHERE identity = ? ORDER BY id");
  for (of_identity.with(file_->id_of(identity)); of_identity.next();) {
    const Span<const unsigned char> digest = of_identity.bytes(2);
    found.push_back({of_identity.integer(0), of_identity.text(1), hex_text(digest.data(), digest.size())});
  }
  return found;
}

Gallery::State Gallery::state() {
  const Transaction transaction(file_->database, Transaction::Kind::kRead);
  return file_->state();
}

Gallery::State Gallery::read_after(
    std::int64_t after, std::int64_t known_removals, std::vector<std::int64_t>* ids,
    const std::function<void(const GalleryRow& row, const float* embedding)>& visit) {
  const Transaction transaction(file_->database, Transaction::Kind::kRead);
  const State state = file_->state();
  if (ids != nullptr && state.removals != known_removals) {
    Statement all(file_->database, "SELECT id FROM photo ORDER BY id");
    while (all.next()) ids->push_back(all.integer(0));
  }
  // From the start along the index of the slots; a few new ones are found by their ids and then sorted.
  const std::string order = after == 0 ? "slot" : "+slot";
  Statement rows(file_->database,
                 ("SELECT photo.id, photo.identity, name, slot, checksum FROM photo JOIN identity ON "
                  "identity.id = photo.identity WHERE photo.id > ? ORDER BY " +
                  order)
                     .c_str());
  BlobCursor blocks(file_->database, "block", "rows", BlobCursor::Access::kRead);
  std::vector<float> embedding(model().dim);
  std::int64_t visited = 0;
  for (rows.with(after); rows.next(); ++visited) {
    GalleryRow row{rows.integer(0), rows.integer(1), rows.text(2), rows.integer(3),
                   static_cast<std::uint64_t>(rows.integer(4))};
    blocks.move_to(file_->block_of(row.slot));
    const std::size_t offset = file_->offset_of(row.slot);
    const bool fits = row.slot >= 0 && offset + file_->row_bytes() <= blocks.size();
    if (fits) blocks.read(offset, file_->row_bytes(), embedding.data());
    if (!fits || checksum_of(embedding.data(), embedding.size()) != row.checksum) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("{}: damaged (the embedding of photo {} of '{}' is not what was enrolled); "
                              "remove that person and enrol again, or take the last good copy",
                              path(), row.photo, one_line(row.name)));
    }
    visit(row, embedding.data());
  }
  // Nobody may go missing because two tables disagree.
  if (after == 0 && visited != file_->database.number("SELECT count(*) FROM photo NOT INDEXED")) {
    throw Error(ErrorKind::kFormat,
                path() + ": damaged (its tables disagree on the photos); take the last good copy");
  }
  return state;
}

void Gallery::check() {
  {
    Statement check(file_->database, "PRAGMA integrity_check(1)");
    if (check.next() && check.text(0) != "ok") {
      throw Error(ErrorKind::kFormat, fmt::format("{}: damaged ({}); take the last good copy", path(),
                                                  one_line(check.text(0), 200)));
    }
  }
  read_after(0, 0, nullptr, [](const GalleryRow&, const float*) {});
}

}  // namespace aface
