#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace aface {

// All functions throw Error{kIo} naming the path and the system's reason.

std::string read_text_file(const std::string& path);
// The storage of `reuse` is used again where it is large enough, for callers that read many files.
std::vector<unsigned char> read_binary_file(const std::string& path, std::vector<unsigned char> reuse = {});

// Writes to "<path>.tmp-<pid>" beside the target, syncs it, and renames it, so that a reader sees the old file or
// the whole new one. A device or a pipe is written to as it stands. On failure (full disk included) the temporary file is removed and the old file is untouched.
enum class Durability {
  kSynced,  // the file outlives a power cut
  kRenamed  // whole or absent after a crash of the program, not of the machine: for many small files that can be made
            // again, where a sync for each takes most of the time
};
void write_file_atomically(const std::string& path, const std::function<void(int descriptor)>& write,
                           Durability durability = Durability::kSynced);
void write_file_atomically(const std::string& path, const std::string& text);

// write(2) until everything is out; `path` is for the message only.
void write_all(int descriptor, const void* data, std::size_t size, const std::string& path);

// Makes the folder and its parents; fine if it is there.
void make_folder(const std::string& path);
bool file_exists(const std::string& path);
bool folder_exists(const std::string& path);

}  // namespace aface
