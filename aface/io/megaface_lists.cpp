#include "aface/io/megaface_lists.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

// Takes the two arrays as they come by: a list of a million paths never becomes a tree of JSON values.
class ListReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  ListReader(const std::string& place, MegafaceList& list) : place_(place), list_(list) {}

  bool has_path() const { return has_path_; }

  bool start_object(std::size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (depth_ == 1 && key_ == "path") into_ = &list_.paths, has_path_ = true;
    if (depth_ == 1 && key_ == "id") into_ = &list_.ids;
    return open();
  }
  bool end_array() override {
    if (depth_ == 2) into_ = nullptr;
    return close();
  }
  bool key(std::string& name) override {
    if (depth_ == 1) key_ = name;
    return true;
  }
  bool string(std::string& text) override {
    if (takes_value()) into_->push_back(std::move(text));
    return true;
  }
  bool number_integer(std::int64_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(std::uint64_t value) override { return number(std::to_string(value)); }
  bool number_float(double value, const std::string&) override {
    return takes_value() ? refuse(fmt::format("the number {}", value)) : true;
  }
  bool boolean(bool) override { return takes_value() ? refuse("a truth value") : true; }
  bool null() override { return takes_value() ? refuse("a null") : true; }
  bool binary(nlohmann::json::binary_t&) override { return true; }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) override {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: not JSON at byte {}; the file looks truncated or edited, fetch it again",
                            place_, position));
  }

 private:
  bool takes_value() const { return into_ != nullptr && depth_ == 2; }
  bool open() {
    if (into_ != nullptr && depth_ == 2) return refuse("a nested value");
    ++depth_;
    return true;
  }
  bool close() {
    --depth_;
    return true;
  }
  bool number(std::string text) {
    if (!takes_value()) return true;
    if (into_ == &list_.paths) return refuse("the number " + text);
    into_->push_back(std::move(text));
    return true;
  }
  bool refuse(const std::string& what) const {
    throw Error(ErrorKind::kFormat, fmt::format("{}: {} as entry {} of \"{}\" (expected text)", place_, what,
                                                into_->size() + 1, key_));
  }

  const std::string& place_;
  MegafaceList& list_;
  std::vector<std::string>* into_ = nullptr;
  std::string key_;
  int depth_ = 0;
  bool has_path_ = false;
};

std::vector<std::string> read_noise(const std::string& path) {
  std::vector<std::string> names;
  for (std::string& line : split_lines(read_text_file(path))) {
    const std::size_t tab = line.find('\t');
    if (tab != std::string::npos) line.erase(0, tab + 1);
    line.erase(0, line.find_first_not_of(' '));
    line.resize(line.find_last_not_of(" \t") + 1);
    if (!line.empty() && line[0] != '#') names.push_back(std::move(line));
  }
  return names;
}

}  // namespace

MegafaceList read_megaface_list(const std::string& path) {
  const std::string text = read_text_file(path);
  MegafaceList list;
  ListReader reader(path, list);
  nlohmann::json::sax_parse(text, &reader);
  if (!reader.has_path() || list.paths.empty()) {
    throw Error(
        ErrorKind::kFormat,
        fmt::format(
            "{}: no entries under \"path\" (expected {{\"path\": [...], \"id\": [...]}}, the devkit's form)",
            path));
  }
  if (!list.ids.empty() && list.ids.size() != list.paths.size()) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: {} entries under \"id\" for {} under \"path\" (expected one each)", path,
                            list.ids.size(), list.paths.size()));
  }
  std::unordered_set<std::string_view> seen;
  seen.reserve(list.paths.size());
  for (const std::string& name : list.paths) {
    if (!seen.insert(name).second) {
      throw Error(ErrorKind::kFormat,
                  fmt::format("{}: '{}' is listed twice; remove one of them", path, name));
    }
  }
  return list;
}

MegafaceNoise read_megaface_noise(const std::string& folder) {
  return {read_noise(folder + "/facescrub_noises.txt"), read_noise(folder + "/megaface_noises.txt")};
}

std::vector<std::uint8_t> mark_noise(const std::vector<std::string>& paths,
                                     const std::vector<std::string>& noise) {
  const std::unordered_set<std::string_view> names(noise.begin(), noise.end());
  std::vector<std::uint8_t> flags(paths.size(), 0);
  for (std::size_t i = 0; i < paths.size() && !names.empty(); ++i) {
    const std::string_view path = paths[i];
    for (std::size_t at = path.size(); flags[i] == 0 && at != std::string_view::npos;) {
      at = at == 0 ? std::string_view::npos : path.rfind('/', at - 1);
      flags[i] =
          static_cast<std::uint8_t>(names.count(path.substr(at == std::string_view::npos ? 0 : at + 1)));
    }
  }
  return flags;
}

}  // namespace aface
