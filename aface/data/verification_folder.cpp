#include "aface/data/verification_folder.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/stop_request.h"
#include "aface/data/photo_writer.h"
#include "aface/io/pair_list.h"
#include "aface/io/verification_bin.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

void require_free(const std::string& path) {
  if (fs::exists(path))
    throw Error(ErrorKind::kUsage, path + ": is there already; remove it or choose another name");
}

Error differs(const std::string& path, const std::string& what) {
  return Error(ErrorKind::kIo,
               fmt::format("{}: {} read back is not what was written; do not use the copy and check the disk",
                           path, what));
}

bool are_equal(Span<const unsigned char> a, Span<const unsigned char> b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
}

// Compares a packed set with a list and its pictures, image by image.
void compare(const VerificationBin& set, const PairList& list, const std::string& folder,
             const std::string& copy) {
  if (set.same.size() != list.pairs.size()) throw differs(copy, "the number of pairs");
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i < list.pairs.size(); ++i) {
    throw_if_stopped();
    const Pair& pair = list.pairs[i];
    if (pair.same_identity != (set.same[i] != 0)) throw differs(copy, fmt::format("the label of pair {}", i));
    for (const std::size_t side : {0, 1}) {
      const auto path = static_cast<std::size_t>(side == 0 ? pair.first : pair.second);
      bytes = read_binary_file(folder + "/" + list.paths[path], std::move(bytes));
      if (!are_equal(set.images[2 * i + side], bytes))
        throw differs(copy, fmt::format("image {}", 2 * i + side));
    }
  }
}

// Pictures and list below `folder`.
VerificationCopy write_folder(const VerificationBin& set, const std::string& bin, const std::string& folder) {
  make_folder(folder + "/images");
  std::unordered_map<std::string_view, std::string> names;  // by content
  std::string pairs;
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    throw_if_stopped();
    const Span<const unsigned char> bytes = set.images[i];
    std::string& name = names[{reinterpret_cast<const char*>(bytes.data()), bytes.size()}];
    if (name.empty()) {
      name = fmt::format("images/{:06}.{}", names.size() - 1,
                         picture_extension(bytes, fmt::format("{}#{}", bin, i)));
      const std::string file = folder + "/" + name;
      write_file_atomically(
          file, [&](int descriptor) { write_all(descriptor, bytes.data(), bytes.size(), file); },
          Durability::kRenamed);
    }
    pairs += name + (i % 2 == 0 ? "\t" : set.same[i / 2] != 0 ? "\t1\n" : "\t0\n");
  }
  write_file_atomically(folder + "/pairs.txt", pairs);
  return {static_cast<std::int64_t>(set.same.size()), static_cast<std::int64_t>(names.size())};
}

}  // namespace

VerificationCopy unpack_verification_bin(const std::string& bin, const std::string& folder) {
  require_free(folder);
  const VerificationBin set = read_verification_bin(bin);
  const std::string target = fs::path(folder + "/").parent_path().string();  // without a slash at the end
  const std::string temporary = fmt::format("{}.tmp-{}", target, ::getpid());
  try {
    const VerificationCopy copy = write_folder(set, bin, temporary);
    compare(set, read_path_pairs(temporary + "/pairs.txt"), temporary, folder);
    fs::rename(temporary, target);
    return copy;
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw;
  }
}

VerificationCopy pack_verification_bin(const std::string& folder, const std::string& pairs,
                                       const std::string& bin) {
  require_free(bin);
  const PairList list = read_pairs(pairs);
  std::vector<std::uint8_t> same;
  for (const Pair& pair : list.pairs) same.push_back(pair.same_identity ? 1 : 0);
  std::vector<unsigned char> bytes;
  write_verification_bin(bin, same, [&](std::size_t i) {
    throw_if_stopped();
    const Pair& pair = list.pairs[i / 2];
    const std::string file =
        folder + "/" + list.paths[static_cast<std::size_t>(i % 2 == 0 ? pair.first : pair.second)];
    bytes = read_binary_file(file, std::move(bytes));
    (void)picture_extension(bytes, file);  // refuses what is no picture
    return Span<const unsigned char>(bytes);
  });
  compare(read_verification_bin(bin), list, folder, bin);
  return {static_cast<std::int64_t>(list.pairs.size()), 2 * static_cast<std::int64_t>(list.pairs.size())};
}

}  // namespace aface
