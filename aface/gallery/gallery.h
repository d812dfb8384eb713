#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/sha256.h"
#include "aface/core/span.h"

namespace aface {

// Whose embeddings a gallery holds: those of one model, told by the digest of its file.
struct GalleryModel {
  std::string digest;  // 1 to 200 printable characters without spaces
  std::size_t dim = 0;
};

struct GalleryOptions {
  int wait_ms = 10000;  // for others who read or write the file
};

// One photo to be enrolled.
struct Enrolment {
  std::string identity;         // 1 to 200 bytes of UTF-8 without control characters
  std::string source;           // where the photo came from, for people; may be empty
  Sha256::Value photo{};        // digest of the photo's bytes: the same photo is enrolled once
  Span<const float> embedding;  // [dim], length 1 (to 1e-4)
};

// Whether a person can have this name in a gallery.
bool can_be_identity(const std::string& name);

struct EnrolReport {
  std::int64_t added = 0;           // photos
  std::int64_t known = 0;           // photos that were there already, as the same person
  std::int64_t new_identities = 0;  // people
};

struct GalleryCounts {
  std::int64_t identities = 0;
  std::int64_t photos = 0;
};

struct GalleryIdentity {
  std::string name;
  std::int64_t photos = 0;
};

struct GalleryPhoto {
  std::int64_t id = 0;  // never used twice in a gallery
  std::string source;
  std::string digest;  // SHA-256, hex
};

// A photo as searches need it.
struct GalleryRow {
  std::int64_t photo = 0;     // its id
  std::int64_t identity = 0;  // id of the person, never used twice
  std::string name;           // of the person
  std::int64_t slot = 0;
  std::uint64_t checksum = 0;  // of the embedding's bytes
};

// People, their photos' digests and embeddings in one SQLite file.
//
// Whatever happens, a kill at any moment included, the file holds whole calls of enrol() and remove() only.
// It is made with permissions 0600. Embeddings lie in blocks of their own that SQLite never moves, at a slot
// each; a removal overwrites the slot in the transaction that takes the person out, and the journal, which
// holds the old bytes until then, goes with its end. So once remove() has returned no file of the gallery
// holds any part of the embedding (the medium below the file system may).
//
// Any number of programs may read and one write at a time; the others wait (GalleryOptions::wait_ms). One
// thread at a time for one object. All functions throw Error: kIo for a file that cannot be opened, read or
// written, is locked or has no room; kFormat for one that is no gallery, is damaged or newer than this
// program.
class Gallery {
 public:
  // A gallery that is there.
  static Gallery open(const std::string& path, const GalleryOptions& options = {});
  // The same, or a new one for this model. Throws Error{kData} when it belongs to another.
  static Gallery open_or_create(const std::string& path, const GalleryModel& model,
                                const GalleryOptions& options = {});
  Gallery(Gallery&&) noexcept;
  Gallery& operator=(Gallery&&) noexcept;
  ~Gallery();

  const std::string& path() const;
  const GalleryModel& model() const;
  // Throws Error{kData} naming both models unless this is the gallery's.
  void require_model(const GalleryModel& model) const;

  // All of them or none. Throws Error{kData} for a photo that is enrolled as somebody else, a name that
  // cannot be one, or another length; Error{kNumeric} for an embedding that has no direction or not length 1.
  EnrolReport enrol(Span<const Enrolment> enrolments);
  // Takes the person out, every trace of the embeddings included; returns how many photos that were. Throws
  // Error{kData} when nobody has this name.
  std::int64_t remove(const std::string& identity);

  GalleryCounts counts();
  // Sorted by name (bytes).
  std::vector<GalleryIdentity> identities();
  // In the order of enrolment. Throws Error{kData} when nobody has this name.
  std::vector<GalleryPhoto> photos(const std::string& identity);

  // What has changed, for those who keep rows in memory. `version` counts transactions, `removals` removed
  // people.
  struct State {
    std::int64_t version = 0;
    std::int64_t removals = 0;
  };
  State state();
  // Visits photos with ids above `after` in the order of their slots, with their embeddings [dim]; `ids`,
  // unless null, gets the ids of all photos, ascending, when the number of removals is not `known_removals`.
  // All of one state of the file, whoever writes meanwhile; that is returned. Throws Error{kFormat} naming a
  // photo whose embedding is damaged.
  State read_after(std::int64_t after, std::int64_t known_removals, std::vector<std::int64_t>* ids,
                   const std::function<void(const GalleryRow& row, const float* embedding)>& visit);

  // Reads everything and compares it with its checksums. Throws Error{kFormat} with the first thing that is
  // wrong.
  void check();

 private:
  struct File;
  explicit Gallery(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace aface
