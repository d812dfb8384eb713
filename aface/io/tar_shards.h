#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/file_writer.h"
#include "aface/core/mapped_file.h"
#include "aface/core/span.h"

namespace aface {

enum class TarLabels { kNeeded, kIgnored };

// Photos in tar archives.
//
// With labels they are named as WebDataset does: the files of a photo follow each other and share what
// stands before the first dot of their names, the key. A photo has key.jpg, key.jpeg or key.png, and its
// label in key.cls (text) or in key.json (its "label", "cls" or "class": a number or a text). Other files of
// a key are passed over, as are keys without a picture. Names of identities may stand in <name>.identities,
// line k for label k, beside <name>-000000.tar.
//
// Where labels are ignored any archive will do: every .jpg, .jpeg and .png is a photo, but for names that
// begin with a dot. Of files with the same name the last counts, as when they are unpacked.
class TarShards {
 public:
  // `place`: one archive; a folder, whose *.tar are read in the order of their names; or the name that
  // TarShardWriter was given. Throws Error{kIo}, or Error{kFormat|kData} "path@offset: ..." for a damaged
  // archive, a photo without a label or with two pictures; Error{kData} for a place without photos.
  explicit TarShards(std::string place, TarLabels labels = TarLabels::kNeeded);

  std::int64_t num_images() const { return static_cast<std::int64_t>(images_.size()); }
  // Whole numbers from 0, in the order of the labels: by value when all are whole numbers, else by byte. All
  // 0, and no names, where labels are ignored.
  std::int64_t identity(std::int64_t image) const { return at(image).identity; }
  const std::vector<std::string>& identity_names() const { return identity_names_; }
  // "faces-000000.tar/key", with the ending where labels are ignored.
  std::string name(std::int64_t image) const;
  Span<const unsigned char> image(std::int64_t image) const;  // in the mapped archive
  const std::string& place() const { return place_; }

 private:
  struct Image {
    std::uint32_t shard = 0;
    std::uint32_t identity = 0;  // while reading: number of its label in the order of first use
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    std::string key;  // the whole name where labels are ignored
  };
  struct Shard {
    std::string path;
    std::unique_ptr<MappedFile> map;
  };
  class Labels;
  const Image& at(std::int64_t image) const { return images_[static_cast<std::size_t>(image)]; }
  void read_pictures(std::uint32_t number);
  void read_shard(std::uint32_t number, Labels& labels);
  void name_identities(const Labels& labels);

  std::string place_;
  std::vector<Shard> shards_;
  std::vector<Image> images_;
  std::vector<std::string> identity_names_;
};

// Writes <name>-000000.tar, <name>-000001.tar, ... for the path <name>.tar.
class TarShardWriter {
 public:
  // A shard is closed before it would grow beyond `shard_bytes`; it holds one photo at least. Throws
  // Error{kIo}.
  TarShardWriter(const std::string& path, std::uint64_t shard_bytes);
  ~TarShardWriter();  // removes the shards when finish() was not reached

  // `extension` is "jpg" or "png". Keys are running numbers of nine digits. Throws Error{kIo}.
  void add(std::int64_t label, const std::string& extension, Span<const unsigned char> image);
  // `identity_names`: line k for label k; empty: no such file. Throws Error{kIo}.
  void finish(const std::vector<std::string>& identity_names);

 private:
  void open_shard();
  void close_shard();

  std::string stem_;
  std::uint64_t shard_bytes_;
  std::unique_ptr<FileWriter> shard_;
  std::vector<std::string> written_;
  std::int64_t images_ = 0;
  bool is_finished_ = false;
};

}  // namespace aface
