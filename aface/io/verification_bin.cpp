#include "aface/io/verification_bin.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/file_writer.h"
#include "aface/io/pickle_names.h"

namespace aface {
namespace {

using Kind = PickleValue::Kind;

Error bad_set(const std::string& path, const std::string& what) {
  return Error(ErrorKind::kFormat,
               fmt::format("{}: {}; expected a pickled pair of a list of encoded images and a list of flags",
                           path, what));
}

Span<const unsigned char> image_bytes(const PickleValue& value, std::size_t number, const std::string& path) {
  const bool is_array_of_bytes =
      value.kind == Kind::kArray && static_cast<PickleElement>(value.number) == PickleElement::kUint8;
  if (value.kind != Kind::kBytes && !is_array_of_bytes)
    throw bad_set(path, fmt::format("image {} is neither a byte string nor an array of bytes", number));
  if (value.bytes.empty()) throw bad_set(path, fmt::format("image {} is empty", number));
  return value.bytes;
}

std::vector<std::uint8_t> read_flags(const Pickle& pickle, const PickleValue& flags,
                                     const std::string& path) {
  std::vector<std::int64_t> numbers;
  if (flags.kind == Kind::kArray) {
    numbers = pickle_integers(flags);
  } else if (flags.kind == Kind::kList || flags.kind == Kind::kTuple) {
    for (std::size_t i = 0; i < flags.items.size(); ++i) {
      const PickleValue& flag = pickle.item(flags, i);
      if (flag.kind != Kind::kBoolean && flag.kind != Kind::kInteger)
        throw bad_set(path, fmt::format("flag {} is not true or false", i));
      numbers.push_back(flag.number);
    }
  } else {
    throw bad_set(path, "the second part is no list of flags");
  }
  std::vector<std::uint8_t> same;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] != 0 && numbers[i] != 1)
      throw bad_set(path, fmt::format("flag {} is {} (expected 0 or 1)", i, numbers[i]));
    same.push_back(static_cast<std::uint8_t>(numbers[i]));
  }
  return same;
}

}  // namespace

bool is_verification_bin(const std::string& path) {
  constexpr int kPickleBegins = 0x80;  // the first opcode of protocol 2 and up; no text begins so
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorKind::kIo, fmt::format("{}: cannot open ({})", path, std::strerror(errno)));
  return file.get() == kPickleBegins;
}

VerificationBin read_verification_bin(const std::string& path) {
  return parse_verification_bin(read_binary_file(path), path);
}

VerificationBin parse_verification_bin(std::vector<unsigned char> file, const std::string& path) {
  VerificationBin set;
  set.file = std::move(file);
  set.pickle = read_pickle(set.file, path);
  const PickleValue& root = set.pickle.values[set.pickle.root];
  if ((root.kind != Kind::kTuple && root.kind != Kind::kList) || root.items.size() != 2)
    throw bad_set(path, "the pickle holds something else");
  const PickleValue& images = set.pickle.item(root, 0);
  if (images.kind != Kind::kList && images.kind != Kind::kTuple)
    throw bad_set(path, "the first part is no list of images");
  set.same = read_flags(set.pickle, set.pickle.item(root, 1), path);
  if (set.same.empty()) throw bad_set(path, "no pairs");
  if (images.items.size() != 2 * set.same.size()) {
    throw bad_set(path, fmt::format("{} images for {} flags (expected two images a flag)",
                                    images.items.size(), set.same.size()));
  }
  for (std::size_t i = 0; i < images.items.size(); ++i) {
    set.images.push_back(image_bytes(set.pickle.item(images, i), i, path));
  }
  return set;
}

namespace {

// The few opcodes that a set of protocol 2 needs; pickletools of Python has their names.
const std::string kBegin = "\x80\x02";
const std::string kEmptyList = "]";
const std::string kMark = "(";
const std::string kAppends = "e";
const std::string kTuple2AndStop = "\x86.";
constexpr char kShortBinString = 'U';
constexpr char kBinString = 'T';
constexpr char kTrue = '\x88';
constexpr char kFalse = '\x89';

// Python appends a thousand items at a time, so that its stack stays short.
constexpr std::size_t kBatch = 1000;

template <class WriteItem>
void write_list(FileWriter& file, std::size_t count, const WriteItem& write_item) {
  file.write(kEmptyList);
  for (std::size_t begin = 0; begin < count; begin += kBatch) {
    file.write(kMark);
    for (std::size_t i = begin; i < std::min(count, begin + kBatch); ++i) write_item(i);
    file.write(kAppends);
  }
}

void write_image(FileWriter& file, std::size_t number, Span<const unsigned char> bytes) {
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  if (bytes.empty() || bytes.size() > kMost) {
    throw Error(ErrorKind::kData, fmt::format("{}: image {} has {} bytes (expected 1 to {})", file.path(),
                                              number, bytes.size(), kMost));
  }
  if (bytes.size() < 256) {
    const char header[] = {kShortBinString, static_cast<char>(bytes.size())};
    file.write(header, sizeof header);
  } else {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    file.write(&kBinString, 1);
    file.write(&size, sizeof size);
  }
  file.write(bytes.data(), bytes.size());
}

}  // namespace

void write_verification_bin(const std::string& path, const std::vector<std::uint8_t>& same,
                            const std::function<Span<const unsigned char>(std::size_t)>& image) {
  FileWriter file(path);
  file.write(kBegin);
  write_list(file, 2 * same.size(), [&](std::size_t i) { write_image(file, i, image(i)); });
  write_list(file, same.size(), [&](std::size_t i) { file.write(same[i] != 0 ? &kTrue : &kFalse, 1); });
  file.write(kTuple2AndStop);
  file.commit();
}

PairList pairs_of(const VerificationBin& set, const std::string& name) {
  PairList list;
  std::unordered_map<std::string_view, std::int64_t> photos;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    list.paths.push_back(fmt::format("{}#{}", name, i));
    const std::string_view bytes(reinterpret_cast<const char*>(set.images[i].data()), set.images[i].size());
    list.photos.push_back(photos.try_emplace(bytes, static_cast<std::int64_t>(i)).first->second);
  }
  for (std::size_t i = 0; i < set.same.size(); ++i) {
    const auto first = static_cast<std::int64_t>(2 * i);
    list.pairs.push_back({first, first + 1, set.same[i] != 0});
  }
  list.folds = largest_fold_count(list.pairs);
  if (list.folds == 0) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: {} pairs cannot be cut into 2 to 10 equal slices that hold both kinds", name,
                            list.pairs.size()));
  }
  return list;
}

}  // namespace aface
