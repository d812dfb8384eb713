#include "aface/io/text_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <functional>

#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

void require_listable(const std::string& place, const std::string& name) {
  if (!name.empty() && name.find_first_of("\t\r\n") == std::string::npos) return;
  throw Error(ErrorKind::kData,
              fmt::format("{}: '{}' cannot stand in a list of names (empty, or with a tab or line "
                          "end in it); rename the file",
                          place, name));
}

std::vector<std::string> list_matching(const std::string& root,
                                       const std::function<bool(const std::string&)>& is_wanted,
                                       const std::string& complaint_if_none) {
  namespace fs = std::filesystem;
  std::vector<std::string> paths;
  try {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(root, fs::directory_options::follow_directory_symlink)) {
      if (is_wanted(entry.path().string()) && entry.is_regular_file()) {
        paths.push_back(entry.path().lexically_relative(root).generic_string());
        require_listable(root, paths.back());
      }
    }
  } catch (const fs::filesystem_error& error) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot list the folder ({}); check the path", root, error.code().message()));
  }
  if (paths.empty()) throw Error(ErrorKind::kData, root + ": " + complaint_if_none);
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

bool has_image_extension(const std::string& path) {
  std::string extension = std::filesystem::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    if (!lines.back().empty() && lines.back().back() == '\r') lines.back().pop_back();
    begin = end + 1;
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::vector<std::string> read_text_list(const std::string& path) {
  std::vector<std::string> lines = split_lines(read_text_file(path));
  if (lines.empty())
    throw Error(ErrorKind::kFormat, path + ": the list is empty (expected one path per line)");
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i].resize(std::min(lines[i].find('\t'), lines[i].size()));
    if (lines[i].empty()) {
      throw Error(ErrorKind::kFormat, fmt::format("{}:{}: a line without a path; remove it", path, i + 1));
    }
  }
  return lines;
}

void write_text_list(const std::string& path, const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    require_listable(path, line);
    text += line;
    text += '\n';
  }
  write_file_atomically(path, text);
}

std::vector<std::string> list_images(const std::string& root) {
  return list_matching(root, has_image_extension, "no images (expected .jpg, .jpeg or .png files)");
}

std::vector<std::string> list_files(const std::string& root, const std::string& suffix) {
  const auto ends_in_suffix = [&](const std::string& path) {
    const std::string name = std::filesystem::path(path).filename().string();
    return name.size() > suffix.size() &&
           name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
  };
  return list_matching(root, ends_in_suffix, fmt::format("no files whose names end in '{}'", suffix));
}

}  // namespace aface
