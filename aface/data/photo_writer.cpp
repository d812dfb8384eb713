#include "aface/data/photo_writer.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/image/image_file.h"
#include "aface/io/record_set_writer.h"
#include "aface/io/tar_shards.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

bool is_whole_number(const std::string& name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
}

// Numbers say nothing that the labels do not say.
std::vector<std::string> names_worth_writing(const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] != fmt::format("{}", i)) return names;
  }
  return {};
}

void require_free(const std::string& path) {
  if (fs::exists(path))
    throw Error(ErrorKind::kUsage, path + ": is there already; remove it or choose another name");
}

class RecWriter : public PhotoWriter {
 public:
  explicit RecWriter(const PhotoWriterOptions& options)
      : names_(names_worth_writing(options.identity_names)),
        wanted_(options.is_plain ? RecordLayout::kPlain : RecordLayout::kInsightface),
        writer_(options.path, wanted_) {}

  void add(std::int64_t identity, Span<const unsigned char> bytes, const std::string& place) override {
    if (size_.pixels.empty()) {  // the property file says the size of all, as does that of the first
      Result<Image> first = decode_image(bytes, place);
      if (first.ok()) size_ = std::move(first).value();
    }
    writer_.add(identity, bytes);
  }
  std::string finish() override {
    const RecordLayout layout = writer_.finish(std::max(size_.height, 1), std::max(size_.width, 1), names_);
    return layout == wanted_ ? "" : "without ranges of keys, which float32 does not hold beyond 2^24";
  }

 private:
  std::vector<std::string> names_;
  RecordLayout wanted_;
  RecordSetWriter writer_;
  Image size_;
};

class TarWriter : public PhotoWriter {
 public:
  explicit TarWriter(const PhotoWriterOptions& options)
      : names_(names_worth_writing(options.identity_names)),
        writer_(options.path, static_cast<std::uint64_t>(options.shard_bytes)) {}

  void add(std::int64_t identity, Span<const unsigned char> bytes, const std::string& place) override {
    writer_.add(identity, picture_extension(bytes, place), bytes);
  }
  std::string finish() override {
    writer_.finish(names_);
    return "";
  }

 private:
  std::vector<std::string> names_;
  TarShardWriter writer_;
};

// Fills "<path>.tmp-<pid>" and gives it its name in the end.
class FolderWriter : public PhotoWriter {
 public:
  explicit FolderWriter(const PhotoWriterOptions& options)
      : path_(fs::path(options.path + "/").parent_path().string()),  // without a slash at the end
        temporary_(fmt::format("{}.tmp-{}", path_, ::getpid())) {
    std::set<std::string> used;
    for (const std::string& name : options.identity_names) {
      folders_.push_back(identity_folder(name));
      const bool is_name = !folders_.back().empty() && folders_.back()[0] != '.' &&
                           folders_.back().find_first_of(std::string("/\0", 2)) == std::string::npos;
      if (!is_name || !used.insert(folders_.back()).second) {
        throw Error(
            ErrorKind::kData,
            fmt::format(
                "{}: the identity '{}' cannot be a folder of its own (empty, hidden, with a slash, or "
                "there twice); rename it",
                options.path, name));
      }
    }
    make_folder(temporary_);
  }
  ~FolderWriter() override {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  }

  void add(std::int64_t identity, Span<const unsigned char> bytes, const std::string& place) override {
    const std::string folder = temporary_ + "/" + folders_.at(static_cast<std::size_t>(identity));
    if (identity != last_identity_) make_folder(folder);
    last_identity_ = identity;
    const std::string file = fmt::format("{}/{:09}.{}", folder, next_++, picture_extension(bytes, place));
    write_file_atomically(
        file, [&](int descriptor) { write_all(descriptor, bytes.data(), bytes.size(), file); },
        Durability::kRenamed);
  }
  std::string finish() override {
    std::error_code code;
    fs::rename(temporary_, path_, code);
    if (code)
      throw Error(ErrorKind::kIo, fmt::format("{}: cannot rename into place ({})", path_, code.message()));
    temporary_.clear();
    return "";
  }

 private:
  std::string path_, temporary_;
  std::vector<std::string> folders_;
  std::int64_t last_identity_ = -1;
  std::int64_t next_ = 0;
};

}  // namespace

std::string identity_folder(const std::string& name) {
  constexpr std::size_t kDigits = 7;
  return is_whole_number(name) && name.size() < kDigits ? std::string(kDigits - name.size(), '0') + name
                                                        : name;
}

std::string picture_extension(Span<const unsigned char> bytes, const std::string& place) {
  if (bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF) return "jpg";
  if (bytes.size() >= 4 && bytes[0] == 0x89 && bytes[1] == 'P' && bytes[2] == 'N' && bytes[3] == 'G')
    return "png";
  throw Error(ErrorKind::kData, place + ": neither JPEG nor PNG; leave the photo out");
}

std::unique_ptr<PhotoWriter> make_photo_writer(const PhotoWriterOptions& options) {
  require_free(options.path);
  const fs::path parent = fs::path(options.path).parent_path();
  if (!parent.empty()) make_folder(parent.string());
  if (options.kind == "rec") return std::make_unique<RecWriter>(options);
  if (options.kind == "folder") return std::make_unique<FolderWriter>(options);
  if (options.kind == "tar") {
    const std::string stem = fs::path(options.path).replace_extension().string();
    require_free(stem + "-000000.tar");
    return std::make_unique<TarWriter>(options);
  }
  throw Error(ErrorKind::kUsage,
              fmt::format("photos cannot be written as '{}' (expected folder, rec or tar)", options.kind));
}

}  // namespace aface
