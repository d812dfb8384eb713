#pragma once

#include <string>
#include <vector>

namespace aface {

// One path per line. What follows a tab is left out, so that a list of "path<TAB>identity" serves too; line
// ends may be LF or CR LF; blank lines at the end are ignored. Throws Error{kIo}, or Error{kFormat} for a
// blank line in between (rows of a matrix are matched by line number) or an empty list.
std::vector<std::string> read_text_list(const std::string& path);

// Atomic. Throws Error{kIo}, or Error{kData} for a path with a tab or line end in it.
void write_text_list(const std::string& path, const std::vector<std::string>& lines);

// The lines of a text without their ends (LF or CR LF), blank ones at the end dropped.
std::vector<std::string> split_lines(const std::string& text);

// .jpg, .jpeg or .png, in any case.
bool has_image_extension(const std::string& path);

// All .jpg, .jpeg and .png files under `root` (any case, any depth), relative to it with '/' between
// folders, sorted by byte. Throws Error{kIo} for an unreadable folder, Error{kData} when there is none or
// a name has a tab or line end in it.
std::vector<std::string> list_images(const std::string& root);

// The same for all files whose name ends in `suffix` and has something before it.
std::vector<std::string> list_files(const std::string& root, const std::string& suffix);

}  // namespace aface
