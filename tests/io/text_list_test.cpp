#include "aface/io/text_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using ::testing::ElementsAre;

std::string temp_path(const std::string& name) {
  static const test::TempDir folder;
  return folder.file(name);
}

TEST(TextList, WrittenLinesReadBack) {
  const std::vector<std::string> lines = {"b/2.jpg", "a/ü 1.jpg"};
  write_text_list(temp_path("round.txt"), lines);
  EXPECT_EQ(read_text_list(temp_path("round.txt")), lines);
}

TEST(TextList, TakesCrLfIdentitiesAndBlankEnd) {
  write_file_atomically(temp_path("list.txt"), "a.jpg\t7\r\nb.jpg\r\n\r\n\n");
  EXPECT_THAT(read_text_list(temp_path("list.txt")), ElementsAre("a.jpg", "b.jpg"));
  write_file_atomically(temp_path("list.txt"), "a.jpg\nb.jpg");
  EXPECT_THAT(read_text_list(temp_path("list.txt")), ElementsAre("a.jpg", "b.jpg"));
}

TEST(TextList, RefusesBlankLinesAndEmptyLists) {
  write_file_atomically(temp_path("bad.txt"), "a.jpg\n\nb.jpg\n");
  EXPECT_THROW(read_text_list(temp_path("bad.txt")), Error);
  write_file_atomically(temp_path("bad.txt"), "\n\n");
  EXPECT_THROW(read_text_list(temp_path("bad.txt")), Error);
  EXPECT_THROW(write_text_list(temp_path("bad.txt"), {"a\nb"}), Error);
}

TEST(ListImages, FindsPhotosAtAnyDepthSorted) {
  const std::string root = temp_path("images");
  for (const char* name : {"b/2.PNG", "b/10.jpg", "a.jpeg", "c/d/1.Jpg", "c/2.bmp", "notes.txt", "b/jpg"}) {
    make_folder(std::filesystem::path(root + "/" + name).parent_path().string());
    write_file_atomically(root + "/" + name, std::string("x"));
  }
  EXPECT_THAT(list_images(root), ElementsAre("a.jpeg", "b/10.jpg", "b/2.PNG", "c/d/1.Jpg"));
  EXPECT_EQ(list_images(root + "/"), list_images(root));
}

TEST(ListFiles, FindsByTheEndOfTheName) {
  const test::TempDir dir;
  for (const char* name : {"b/2.jpg_net.bin", "a/1.jpg_net.bin", "a/1.jpg", "c/_net.bin"})
    dir.write(name, "x");
  EXPECT_THAT(list_files(dir.path(), "_net.bin"), ElementsAre("a/1.jpg_net.bin", "b/2.jpg_net.bin"));
  EXPECT_THROW(list_files(dir.path(), ".npy"), Error);
}

TEST(ListImages, NamesThatNoListCanHoldAreRefusedAtOnce) {
  const test::TempDir dir;
  dir.write("a\nb.jpg", "x");
  EXPECT_THROW(list_images(dir.path()), Error);
}

TEST(ListImages, MissingOrEmptyFolderIsAnError) {
  EXPECT_THROW(list_images(temp_path("nowhere")), Error);
  make_folder(temp_path("empty"));
  EXPECT_THROW(list_images(temp_path("empty")), Error);
}

}  // namespace
}  // namespace aface
