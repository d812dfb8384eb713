#include "aface/io/pair_identities.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <string_view>
#include <unordered_map>

namespace aface {
namespace {

// "" when the path tells none.
std::string person_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash != std::string::npos) return path.substr(0, slash);
  const std::string_view stem = std::string_view(path).substr(0, path.rfind('.'));
  const std::size_t underscore = stem.rfind('_');
  if (underscore == std::string_view::npos || underscore + 1 == stem.size()) return "";
  const std::string_view number = stem.substr(underscore + 1);
  const bool is_number =
      std::all_of(number.begin(), number.end(), [](unsigned char c) { return std::isdigit(c); });
  return is_number ? std::string(stem.substr(0, underscore)) : "";
}

// Nothing when the names do not tell, or say something else than the pairs.
std::vector<std::string> names_if_told(const PairList& list) {
  std::vector<std::string> names;
  for (const std::string& path : list.paths) {
    names.push_back(person_of(path));
    if (names.back().empty()) return {};
  }
  for (const Pair& pair : list.pairs) {
    const bool have_one_name =
        names[static_cast<std::size_t>(pair.first)] == names[static_cast<std::size_t>(pair.second)];
    if (have_one_name != pair.same_identity) return {};
  }
  return names;
}

// Disjoint sets; the root of a set is its smallest member.
class Links {
 public:
  explicit Links(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = root(a);
    b = root(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

// Each image is named after the first one of its person.
std::vector<std::string> names_by_links(const PairList& list) {
  Links links(list.paths.size());
  std::unordered_map<std::int64_t, std::size_t> first_of_photo;
  for (std::size_t i = 0; i < list.photos.size(); ++i) {
    links.join(i, first_of_photo.try_emplace(list.photos[i], i).first->second);
  }
  for (const Pair& pair : list.pairs) {
    if (pair.same_identity)
      links.join(static_cast<std::size_t>(pair.first), static_cast<std::size_t>(pair.second));
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < list.paths.size(); ++i) names.push_back(list.paths[links.root(i)]);
  return names;
}

}  // namespace

PairIdentities identities_of(const PairList& list) {
  PairIdentities people;
  std::vector<std::string> names = list.photos.empty() ? names_if_told(list) : std::vector<std::string>();
  if (names.empty()) {
    people.source = IdentitySource::kLinks;
    names = names_by_links(list);
  }
  std::unordered_map<std::string, std::int64_t> numbers;
  for (const std::string& name : names) {
    const auto [entry, is_new] = numbers.try_emplace(name, static_cast<std::int64_t>(people.names.size()));
    if (is_new) people.names.push_back(name);
    people.of_path.push_back(entry->second);
  }
  return people;
}

}  // namespace aface
