#include "aface/train/data_identity.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "aface/core/error.h"

namespace aface {
namespace {

constexpr char kFingerprint[] = "data_fingerprint";
constexpr char kNames[] = "data.identity_names";  // each followed by a zero byte

// Of a fingerprint "identities-photos-digest".
std::vector<std::string> parts_of(const std::string& fingerprint) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
    end = fingerprint.find('-', begin);
    parts.push_back(fingerprint.substr(begin, end - begin));
  }
  return parts;
}

}  // namespace

void put_fingerprint(const FaceDataset& dataset, NamedArrays& state) {
  state.metadata[kFingerprint] = dataset.fingerprint();
}

std::string data_differences(const NamedArrays& state, const FaceDataset& dataset) {
  const std::string saved = state.text(kFingerprint), here = dataset.fingerprint();
  if (saved == here) return "";
  const std::vector<std::string> theirs = parts_of(saved), ours = parts_of(here);
  if (theirs.size() != ours.size()) return fmt::format("fingerprint {} in it, {} here", saved, here);
  std::string differences;
  const char* names[] = {"identities", "photos"};
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (theirs[i] == ours[i]) continue;
    differences +=
        fmt::format("{}{} {} in it, {} here", differences.empty() ? "" : "; ", theirs[i], names[i], ours[i]);
  }
  if (!differences.empty()) return differences;
  return fmt::format("{} identities and {} photos as here, but other names or other labels", ours[0],
                     ours[1]);
}

void put_identity_names(const FaceDataset& dataset, NamedArrays& state) {
  std::vector<std::uint8_t> text;
  for (std::int64_t identity = 0; identity < dataset.num_identities(); ++identity) {
    const std::string name = dataset.photos->identity_name(identity);
    text.insert(text.end(), name.begin(), name.end());
    text.push_back(0);
  }
  state.put(kNames, text);
}

std::vector<std::string> get_identity_names(const NamedArrays& state) {
  const auto text = state.get<std::uint8_t>(kNames);
  if (!text.empty() && text.back() != 0) {
    throw Error(ErrorKind::kFormat, fmt::format("array '{}': the last name has no end", kNames));
  }
  std::vector<std::string> names;
  for (auto begin = text.begin(); begin != text.end();) {
    const auto end = std::find(begin, text.end(), std::uint8_t{0});
    names.emplace_back(begin, end);
    begin = end + 1;
  }
  return names;
}

}  // namespace aface
