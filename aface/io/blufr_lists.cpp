#include "aface/io/blufr_lists.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "aface/core/file.h"
#include "aface/io/tab_rows.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

constexpr std::int64_t kMostTrials = 16;

// A whole number that fills the text from end to end but for spaces, or -1.
std::int64_t whole_number(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return -1;
  text = text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && value >= 0 ? value : -1;
}

// Reads a set file from top to bottom.
class SetFile {
 public:
  SetFile(const std::string& path, const std::vector<std::string>& names)
      : path_(path), lines_(split_lines(read_text_file(path))), names_(names) {}

  std::vector<std::vector<std::int32_t>> read() {
    const std::int64_t trials = number("the number of trials");
    if (trials < 1 || trials > kMostTrials)
      throw error(fmt::format("{} trials (expected 1 to {})", trials, kMostTrials));
    std::vector<std::vector<std::int32_t>> sets;
    for (std::int64_t trial = 0; trial < trials; ++trial) sets.push_back(read_set());
    if (at_ != lines_.size()) {
      ++at_;
      throw error(fmt::format("text after the last of {} trials", trials));
    }
    return sets;
  }

 private:
  std::vector<std::int32_t> read_set() {
    const std::int64_t count = number("the number of images of a trial");
    std::vector<std::int32_t> images;
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string_view line = next("'index, file name'");
      const std::size_t comma = line.find(',');
      const std::int64_t index = comma == std::string_view::npos ? -1 : whole_number(line.substr(0, comma));
      if (index < 1 || index > static_cast<std::int64_t>(names_.size())) {
        throw error(fmt::format("'{}' (expected 'index, file name' with an index from 1 to {})", line,
                                names_.size()));
      }
      const std::string_view name =
          line.substr(std::min(line.find_first_not_of(' ', comma + 1), line.size()));
      const std::string& expected = names_[static_cast<std::size_t>(index - 1)];
      if (name != expected) {
        throw error(fmt::format(
            "image {} is called '{}' here but '{}' in image_list.txt; take all lists from one copy", index,
            name, expected));
      }
      images.push_back(static_cast<std::int32_t>(index - 1));
    }
    return images;
  }

  std::string_view next(const std::string& what) {
    if (at_ == lines_.size()) {
      ++at_;
      throw error(fmt::format("the file ends where {} is due; it looks truncated", what));
    }
    return lines_[at_++];
  }
  std::int64_t number(const std::string& what) {
    const std::string_view line = next(what);
    const std::int64_t value = whole_number(line);
    if (value < 0) throw error(fmt::format("'{}' (expected {})", line, what));
    return value;
  }
  Error error(const std::string& what) const {
    return row_error(path_, static_cast<std::int64_t>(at_), what);
  }

  std::string path_;
  std::vector<std::string> lines_;
  const std::vector<std::string>& names_;
  std::size_t at_ = 0;  // lines read
};

void read_labels(const std::string& path, BlufrLists& lists) {
  const std::vector<std::string> lines = split_lines(read_text_file(path));
  if (lines.size() != lists.names.size()) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: {} labels for the {} images of image_list.txt", path,
                                                lines.size(), lists.names.size()));
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::int64_t label = whole_number(lines[i]);
    if (label < 1 || label > static_cast<std::int64_t>(lines.size())) {
      throw row_error(path, static_cast<std::int64_t>(i + 1),
                      fmt::format("'{}' (expected an identity number from 1 on)", lines[i]));
    }
    lists.identities.push_back(static_cast<std::int32_t>(label - 1));
    lists.identity_count = std::max(lists.identity_count, static_cast<std::int32_t>(label));
  }
}

void check_trial(const std::string& folder, std::size_t number, const BlufrLists& lists,
                 const BlufrTrial& trial) {
  const auto fail = [&](const std::string& what) {
    throw Error(ErrorKind::kFormat,
                fmt::format("{}: trial {}: {}; take all lists from one copy", folder, number, what));
  };
  std::vector<std::int32_t> parts = trial.gallery, test = trial.test;
  parts.insert(parts.end(), trial.probe.begin(), trial.probe.end());
  std::sort(parts.begin(), parts.end());
  std::sort(test.begin(), test.end());
  if (std::adjacent_find(test.begin(), test.end()) != test.end())
    fail("an image is listed twice in test_set.txt");
  if (parts != test) {
    fail(fmt::format("the test set ({} images) is not the gallery ({}) and the probes ({}) together",
                     trial.test.size(), trial.gallery.size(), trial.probe.size()));
  }
  std::vector<std::int32_t> enrolled;
  for (const std::int32_t image : trial.gallery)
    enrolled.push_back(lists.identities[static_cast<std::size_t>(image)]);
  std::sort(enrolled.begin(), enrolled.end());
  if (std::adjacent_find(enrolled.begin(), enrolled.end()) != enrolled.end())
    fail("two gallery images of one person");
}

}  // namespace

BlufrLists read_blufr_lists(const std::string& folder) {
  BlufrLists lists;
  lists.names = read_text_list(folder + "/image_list.txt");
  read_labels(folder + "/labels.txt", lists);
  auto test = SetFile(folder + "/test_set.txt", lists.names).read();
  auto gallery = SetFile(folder + "/gallery_set.txt", lists.names).read();
  auto probe = SetFile(folder + "/probe_set.txt", lists.names).read();
  if (gallery.size() != test.size() || probe.size() != test.size()) {
    throw Error(
        ErrorKind::kFormat,
        fmt::format(
            "{}: test_set.txt, gallery_set.txt and probe_set.txt hold {}, {} and {} trials (expected the "
            "same number); take all lists from one copy",
            folder, test.size(), gallery.size(), probe.size()));
  }
  for (std::size_t t = 0; t < test.size(); ++t) {
    lists.trials.push_back({std::move(test[t]), std::move(gallery[t]), std::move(probe[t])});
    check_trial(folder, t + 1, lists, lists.trials.back());
  }
  return lists;
}

}  // namespace aface
