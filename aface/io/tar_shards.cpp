#include "aface/io/tar_shards.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/one_line.h"
#include "aface/io/relative_path.h"
#include "aface/io/tar.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

namespace fs = std::filesystem;

// "a/faces-000012.tar" -> "a/faces"; "" when the name is not of this form.
std::string series_of(const std::string& shard) {
  const std::string stem = fs::path(shard).replace_extension().string();
  const std::size_t last = stem.find_last_not_of("0123456789");
  if (last == std::string::npos || stem[last] != '-' || last + 1 == stem.size()) return "";
  return stem.substr(0, last);
}

std::vector<std::string> shards_at(const std::string& place) {
  if (file_exists(place)) return {place};
  std::vector<std::string> shards;
  if (folder_exists(place)) {
    for (const std::string& name : list_files(place, ".tar")) shards.push_back(place + "/" + name);
    return shards;
  }
  const fs::path path(place);
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  if (path.extension() == ".tar" && folder_exists(folder)) {
    const std::string series = path.stem().string();
    for (const auto& entry : fs::directory_iterator(folder)) {
      const fs::path file = entry.path();
      if (file.extension() == ".tar" && series_of(file.filename().string()) == series)
        shards.push_back(file.string());
    }
  }
  if (shards.empty())
    throw Error(ErrorKind::kIo, place + ": no such archive, nor a series of that name; check the path");
  std::sort(shards.begin(), shards.end());
  return shards;
}

// A name split at the first dot behind the last slash.
struct KeyAndExtension {
  std::string_view key, extension;
};
KeyAndExtension split(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  const std::size_t dot = name.find('.', slash == std::string_view::npos ? 0 : slash + 1);
  if (dot == std::string_view::npos) return {name, {}};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

std::string lower(std::string_view text) {
  std::string copy(text);
  for (char& c : copy) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return copy;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlanks(" \t\r\n\0", 5);
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1));
}

// The label in a .json file; "" when it holds none.
std::string label_of_json(std::string_view text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return "";
  for (const char* key : {"label", "cls", "class"}) {
    const auto found = object.find(key);
    if (found == object.end()) continue;
    if (found->is_string()) return trimmed(found->get<std::string>());
    if (found->is_number_unsigned()) return fmt::format("{}", found->get<std::uint64_t>());
  }
  return "";
}

std::optional<std::int64_t> whole_number(const std::string& text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

}  // namespace

// Labels in the order of their first use.
class TarShards::Labels {
 public:
  std::uint32_t number_of(const std::string& label) {
    const auto [entry, is_new] = numbers_.emplace(label, static_cast<std::uint32_t>(texts_.size()));
    if (is_new) texts_.push_back(label);
    return entry->second;
  }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> texts_;
};

TarShards::TarShards(std::string place, TarLabels labels) : place_(std::move(place)) {
  const bool are_needed = labels == TarLabels::kNeeded;
  Labels found;
  for (std::string& path : shards_at(place_)) {
    auto map = std::make_unique<MappedFile>(path);
    shards_.push_back({std::move(path), std::move(map)});
    const auto number = static_cast<std::uint32_t>(shards_.size() - 1);
    are_needed ? read_shard(number, found) : read_pictures(number);
  }
  if (images_.empty()) {
    throw Error(ErrorKind::kData,
                fmt::format("{}: no photos (expected files {})", place_,
                            are_needed ? "key.jpg and key.cls or key.json" : ".jpg, .jpeg or .png"));
  }
  if (are_needed) name_identities(found);
}

void TarShards::read_pictures(std::uint32_t number) {
  const Shard& shard = shards_[number];
  const std::vector<TarMember> members = list_tar({shard.map->data(), shard.map->size()}, shard.path);
  std::vector<std::string> names;
  std::unordered_map<std::string_view, std::size_t> last;
  for (const TarMember& member : members) {
    const std::string tidy = normal_relative_path(member.name);  // "./a.jpg" is a.jpg
    names.push_back(tidy.empty() ? member.name : tidy);
  }
  for (std::size_t i = 0; i < names.size(); ++i) last[names[i]] = i;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const bool is_photo = has_image_extension(name) && name[name.rfind('/') + 1] != '.';
    if (!is_photo || last[name] != i) continue;
    images_.push_back({number, 0, members[i].size, members[i].offset, one_line(name, name.size())});
  }
}

void TarShards::name_identities(const Labels& labels) {
  const std::vector<std::string>& texts = labels.texts();
  std::vector<std::int64_t> values;
  for (const std::string& text : texts) values.push_back(whole_number(text).value_or(-1));
  const bool are_numbers = std::find(values.begin(), values.end(), -1) == values.end();
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return are_numbers && values[a] != values[b] ? values[a] < values[b] : texts[a] < texts[b];
  });
  std::vector<std::string> names;
  const std::string series = series_of(shards_[0].path);
  if (are_numbers && !series.empty() && file_exists(series + ".identities"))
    names = read_text_list(series + ".identities");
  std::vector<std::uint32_t> identity_of(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    identity_of[order[i]] = static_cast<std::uint32_t>(i);
    const auto value = static_cast<std::size_t>(values[order[i]]);
    const std::string& text = texts[order[i]];
    identity_names_.push_back(are_numbers && value < names.size() ? names[value] : one_line(text, text.size()));
  }
  for (Image& image : images_) image.identity = identity_of[image.identity];
}

void TarShards::read_shard(std::uint32_t number, Labels& labels) {
  const Shard& shard = shards_[number];
  const Span<const unsigned char> bytes(shard.map->data(), shard.map->size());
  const std::vector<TarMember> members = list_tar(bytes, shard.path);
  const auto fail = [&](const TarMember& member, const std::string& what) {
    throw Error(ErrorKind::kData, fmt::format("{}@{}: {} {}", shard.path, member.offset, one_line(member.name), what));
  };
  const auto text_of = [&](const TarMember& member) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()) + member.offset,
                            static_cast<std::size_t>(member.size));
  };
  for (std::size_t begin = 0; begin < members.size();) {
    const std::string_view key = split(members[begin].name).key;
    const TarMember* picture = nullptr;
    std::string label, label_of_class;
    std::size_t end = begin;
    for (; end < members.size() && split(members[end].name).key == key; ++end) {
      const TarMember& member = members[end];
      const std::string extension = lower(split(member.name).extension);
      if (extension == "jpg" || extension == "jpeg" || extension == "png") {
        if (picture != nullptr)
          fail(member, "is the second picture of its key; give each photo a key of its own");
        picture = &member;
      } else if (extension == "cls") {
        label_of_class = trimmed(text_of(member));
      } else if (extension == "json") {
        label = label_of_json(text_of(member));
      }
    }
    begin = end;
    if (picture == nullptr) continue;
    if (!label_of_class.empty()) label = label_of_class;
    if (label.empty()) fail(*picture, "has no label (expected key.cls, or key.json with \"label\")");
    images_.push_back({number, labels.number_of(label), picture->size, picture->offset, one_line(key, key.size())});
  }
}

std::string TarShards::name(std::int64_t image) const {
  return fs::path(shards_[at(image).shard].path).filename().string() + "/" + at(image).key;
}

Span<const unsigned char> TarShards::image(std::int64_t image) const {
  return {shards_[at(image).shard].map->data() + at(image).offset, static_cast<std::size_t>(at(image).size)};
}

TarShardWriter::TarShardWriter(const std::string& path, std::uint64_t shard_bytes)
    : stem_(fs::path(path).replace_extension().string()), shard_bytes_(shard_bytes) {
  open_shard();
}

TarShardWriter::~TarShardWriter() {
  if (is_finished_) return;
  std::error_code ignored;
  for (const std::string& path : written_) fs::remove(path, ignored);
}

void TarShardWriter::open_shard() {
  shard_ = std::make_unique<FileWriter>(fmt::format("{}-{:06}.tar", stem_, written_.size()));
}

void TarShardWriter::close_shard() {
  write_tar_end(*shard_);
  shard_->commit();
  written_.push_back(shard_->path());
  shard_.reset();
}

void TarShardWriter::add(std::int64_t label, const std::string& extension, Span<const unsigned char> image) {
  const std::string key = fmt::format("{:09}", images_++), text = fmt::format("{}", label);
  const std::uint64_t end = shard_->offset() + tar_member_bytes(image.size()) + tar_member_bytes(text.size());
  if (shard_->offset() > 0 && tar_archive_bytes(end) > shard_bytes_) {
    close_shard();
    open_shard();
  }
  write_tar_member(*shard_, key + "." + extension, image);
  write_tar_member(*shard_, key + ".cls", {reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

void TarShardWriter::finish(const std::vector<std::string>& identity_names) {
  close_shard();
  if (!identity_names.empty()) write_text_list(stem_ + ".identities", identity_names);
  is_finished_ = true;
}

}  // namespace aface
