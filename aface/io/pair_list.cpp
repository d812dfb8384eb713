#include "aface/io/pair_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_map>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/io/text_list.h"

namespace aface {
namespace {

using Fields = std::vector<std::string_view>;

Fields split_fields(std::string_view line) {
  const std::string_view separators = line.find('\t') != std::string_view::npos ? "\t" : " ";
  Fields fields;
  for (std::size_t at = 0; (at = line.find_first_not_of(separators, at)) != std::string_view::npos;) {
    const std::size_t end = std::min(line.find_first_of(separators, at), line.size());
    fields.push_back(line.substr(at, end - at));
    at = end;
  }
  return fields;
}

// A whole number from 1 to a million, or 0 if the text is anything else.
std::int64_t positive_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size() && value >= 1 && value <= 1'000'000 ? value
                                                                                                     : 0;
}

bool is_lfw_header(const Fields& fields) {
  if (fields.empty() || fields.size() > 2) return false;
  for (const std::string_view field : fields) {
    if (positive_number(field) == 0) return false;
  }
  return true;
}

// Whether the pairs fall into this many equal slices, each with both kinds.
bool has_equal_folds(const std::vector<Pair>& pairs, std::int64_t folds) {
  const auto count = static_cast<std::int64_t>(pairs.size());
  if (count % folds != 0) return false;
  std::vector<std::int64_t> same(static_cast<std::size_t>(folds));
  const std::int64_t fold_size = count / folds;
  for (std::int64_t i = 0; i < count; ++i) {
    same[static_cast<std::size_t>(i / fold_size)] += pairs[static_cast<std::size_t>(i)].same_identity;
  }
  return std::all_of(same.begin(), same.end(), [&](std::int64_t n) { return n > 0 && n < fold_size; });
}

// The lines of one file with what is needed to complain about one of them.
class PairFile {
 public:
  explicit PairFile(const std::string& path) : path_(path), lines_(split_lines(read_text_file(path))) {
    if (lines_.empty()) {
      throw Error(ErrorKind::kFormat, path + ": empty (expected LFW's pairs.txt or lines 'path1 path2 0|1')");
    }
  }

  bool has_line_of(std::size_t fields_in_line) const {
    return std::any_of(lines_.begin(), lines_.end(),
                       [&](const std::string& line) { return split_fields(line).size() == fields_in_line; });
  }

  std::int64_t count() const { return static_cast<std::int64_t>(lines_.size()); }
  Fields fields(std::int64_t line) const { return split_fields(lines_[static_cast<std::size_t>(line)]); }
  const std::string& path() const { return path_; }

  Error error(std::int64_t line, const std::string& what) const {
    return Error(ErrorKind::kFormat, fmt::format("{}:{}: {}", path_, line + 1, what));
  }

 private:
  const std::string& path_;
  std::vector<std::string> lines_;
};

class PairListBuilder {
 public:
  explicit PairListBuilder(const PairFile& file) : file_(file) {}

  void add(std::int64_t line, const std::string& first, const std::string& second, bool same_identity) {
    if (first == second)
      throw file_.error(line, fmt::format("'{}' is paired with itself; correct the line", first));
    Pair pair;
    pair.first = index_of(first);
    pair.second = index_of(second);
    pair.same_identity = same_identity;
    list_.pairs.push_back(pair);
  }
  // Fold k becomes the k-th slice of the pairs of one person and the k-th of those of two.
  PairList finish_in_slices_of_each_kind() {
    std::stable_partition(list_.pairs.begin(), list_.pairs.end(),
                          [](const Pair& pair) { return pair.same_identity; });
    const std::vector<Pair> sorted = std::move(list_.pairs);
    const auto same =
        std::count_if(sorted.begin(), sorted.end(), [](const Pair& p) { return p.same_identity; });
    const auto different = static_cast<std::ptrdiff_t>(sorted.size()) - same;
    std::ptrdiff_t folds = 10;
    while (folds >= 2 && (same == 0 || different == 0 || same % folds != 0 || different % folds != 0))
      --folds;
    if (folds < 2) {
      throw Error(
          ErrorKind::kFormat,
          fmt::format(
              "{}: {} pairs of one person and {} of two cannot both be cut into 2 to 10 equal slices; the "
              "file looks truncated or edited, fetch it again",
              file_.path(), same, different));
    }
    list_.pairs.clear();
    for (std::ptrdiff_t k = 0; k < folds; ++k) {
      const auto take = [&](std::ptrdiff_t first, std::ptrdiff_t count) {
        const auto begin = sorted.begin() + first + k * (count / folds);
        list_.pairs.insert(list_.pairs.end(), begin, begin + count / folds);
      };
      take(0, same);
      take(same, different);
    }
    return finish(folds);
  }
  PairList finish_in_equal_folds() {
    const std::int64_t folds = largest_fold_count(list_.pairs);
    if (folds > 0) return finish(folds);
    throw Error(
        ErrorKind::kFormat,
        fmt::format("{}: {} pairs cannot be cut into 2 to 10 equal slices that hold both kinds; mix the two "
                    "kinds and make the number of lines a multiple of ten",
                    file_.path(), list_.pairs.size()));
  }
  PairList finish(std::int64_t folds) {
    list_.folds = folds;
    return std::move(list_);
  }

 private:
  std::int64_t index_of(const std::string& path) {
    const auto [entry, is_new] = indices_.try_emplace(path, static_cast<std::int64_t>(list_.paths.size()));
    if (is_new) list_.paths.push_back(path);
    return entry->second;
  }

  const PairFile& file_;
  PairList list_;
  std::unordered_map<std::string, std::int64_t> indices_;
};

// A line "name i j" or "name1 i name2 j", as the number of its fields says.
void add_named_pair(const PairFile& file, std::int64_t line, const std::string& extension,
                    PairListBuilder& builder) {
  const Fields fields = file.fields(line);
  const bool same = fields.size() == 3;
  const std::string_view other_name = same ? fields[0] : fields[2];
  if (!same && other_name == fields[0]) {
    throw file.error(line, fmt::format("'{}' stands on both sides of a pair of two persons", other_name));
  }
  const auto image = [&](std::string_view name, std::string_view number_text) {
    const std::int64_t number = positive_number(number_text);
    if (number == 0) throw file.error(line, fmt::format("'{}' is not an image number", number_text));
    return fmt::format("{0}/{0}_{1:04}{2}", name, number, extension);
  };
  builder.add(line, image(fields[0], fields[1]), image(other_name, fields.back()), same);
}

PairList parse_lfw(const PairFile& file, const std::string& extension) {
  const Fields header = file.fields(0);
  if (!is_lfw_header(header)) {
    throw file.error(
        0, "not the first line of an LFW pair list (expected 'folds<TAB>pairs', like '10<TAB>300')");
  }
  const std::int64_t folds = header.size() == 2 ? positive_number(header[0]) : 1;
  const std::int64_t per_kind = positive_number(header.back());
  const std::int64_t expected = folds * per_kind * 2;
  if (file.count() - 1 != expected) {
    throw Error(
        ErrorKind::kFormat,
        fmt::format("{}: {} pairs follow the first line (expected {} = {} folds of 2 x {}); the file looks "
                    "truncated or edited, fetch it again",
                    file.path(), file.count() - 1, expected, folds, per_kind));
  }

  PairListBuilder builder(file);
  for (std::int64_t line = 1; line <= expected; ++line) {
    const Fields fields = file.fields(line);
    const bool same = (line - 1) % (2 * per_kind) < per_kind;
    if (fields.size() != (same ? 3u : 4u)) {
      throw file.error(
          line, fmt::format("{} fields (expected '{}' here: each fold lists {} pairs of one person, then "
                            "{} of two)",
                            fields.size(), same ? "name i j" : "name1 i name2 j", per_kind, per_kind));
    }
    add_named_pair(file, line, extension, builder);
  }
  return builder.finish(folds);
}

PairList parse_headerless(const PairFile& file, const std::string& extension) {
  PairListBuilder builder(file);
  for (std::int64_t line = 0; line < file.count(); ++line) {
    const std::size_t fields = file.fields(line).size();
    if (fields != 3 && fields != 4) {
      throw file.error(
          line,
          fmt::format("{} fields (expected 'name i j' or 'name1 i name2 j', as in RFW's lists)", fields));
    }
    add_named_pair(file, line, extension, builder);
  }
  return builder.finish_in_equal_folds();
}

// 0: two persons; above: one; -1: not a label.
std::int64_t two_line_label(const Fields& fields) {
  if (fields.size() != 2) return -1;
  if (fields[1] == "0") return 0;
  const std::int64_t number = positive_number(fields[1]);
  return number == 0 ? -1 : number;
}

PairList parse_two_lines(const PairFile& file) {
  PairListBuilder builder(file);
  for (std::int64_t line = 0; line < file.count(); ++line) {
    if (two_line_label(file.fields(line)) < 0) {
      throw file.error(
          line,
          "expected 'file label' (label 0: two persons), two lines a pair, as in CALFW's and CPLFW's lists; "
          "other lists hold 'path1 path2 0|1', or LFW's lines");
    }
  }
  if (file.count() % 2 != 0) {
    throw file.error(file.count() - 1, "the last pair has one line (expected two lines 'file label' a pair)");
  }
  for (std::int64_t line = 0; line < file.count(); line += 2) {
    const Fields first = file.fields(line), second = file.fields(line + 1);
    const bool is_same = two_line_label(first) > 0;
    if (is_same != (two_line_label(second) > 0)) {
      throw file.error(
          line + 1,
          fmt::format("label {} but {} on the line before (expected both lines of a pair to say one "
                      "person, or both two); a line seems to be missing",
                      second[1], first[1]));
    }
    builder.add(line, std::string(first[0]), std::string(second[0]), is_same);
  }
  return builder.finish_in_slices_of_each_kind();
}

PairList parse_paths(const PairFile& file) {
  PairListBuilder builder(file);
  for (std::int64_t line = 0; line < file.count(); ++line) {
    const Fields fields = file.fields(line);
    const bool is_labelled = fields.size() == 3 && (fields[2] == "0" || fields[2] == "1");
    if (!is_labelled) {
      throw file.error(
          line,
          "expected 'path1 path2 1' (one person) or 'path1 path2 0' (two); an LFW list begins with "
          "'folds<TAB>pairs'");
    }
    builder.add(line, std::string(fields[0]), std::string(fields[1]), fields[2] == "1");
  }
  return builder.finish_in_equal_folds();
}

}  // namespace

std::int64_t largest_fold_count(const std::vector<Pair>& pairs) {
  for (std::int64_t folds = 10; folds >= 2; --folds) {
    if (has_equal_folds(pairs, folds)) return folds;
  }
  return 0;
}

PairList read_lfw_pairs(const std::string& path, const std::string& extension) {
  return parse_lfw(PairFile(path), extension);
}

PairList read_headerless_pairs(const std::string& path, const std::string& extension) {
  return parse_headerless(PairFile(path), extension);
}

PairList read_two_line_pairs(const std::string& path) { return parse_two_lines(PairFile(path)); }

PairList read_path_pairs(const std::string& path) { return parse_paths(PairFile(path)); }

PairList read_pairs(const std::string& path, const std::string& extension) {
  const PairFile file(path);
  const Fields first = file.fields(0);
  if (is_lfw_header(first)) return parse_lfw(file, extension);
  if (first.size() == 2) return parse_two_lines(file);
  if (file.has_line_of(4)) return parse_headerless(file, extension);
  return parse_paths(file);
}

}  // namespace aface
