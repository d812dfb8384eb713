#include "aface/data/face_dataset.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/data/data_set_fixture.h"
#include "tests/support/expect_error.h"

namespace aface {
namespace {

using test::error_of;
using test::folder_options;
using test::list_options;
using test::TempDir;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> photo_names(const FaceDataset& set) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < set.num_samples(); ++i) names.push_back(set.photos->photo_name(i));
  return names;
}

std::vector<std::string> identity_names(const FaceDataset& set) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < set.num_identities(); ++i) names.push_back(set.photos->identity_name(i));
  return names;
}

std::string load_error(ErrorKind kind, const DataOptions& options) {
  return error_of(kind, [&] { (void)load_dataset(options); });
}

TEST(FaceDataset, FolderNamesAreIdentitiesAndNestedFilesBelongToThem) {
  const TempDir dir;
  for (const char* file :
       {"b/2.JPG", "b/deep/er/1.png", "a/z.jpeg", "b/notes.txt", ".cache/x.jpg", "b/.hidden.jpg"}) {
    dir.write(file, "x");
  }
  for (const std::string& root : {dir.path(), dir.path() + "/"}) {
    const FaceDataset set = load_dataset(folder_options(root));
    EXPECT_THAT(identity_names(set), ElementsAre("a", "b"));
    EXPECT_THAT(photo_names(set), ElementsAre("a/z.jpeg", "b/2.JPG", "b/deep/er/1.png"));
    EXPECT_THAT(set.identities, ElementsAre(0, 1, 1));
    EXPECT_THAT(set.images_per_identity(), ElementsAre(1, 2));
    EXPECT_TRUE(std::filesystem::exists(set.photos->photo_place(2)));
  }
}

TEST(FaceDataset, LinkedFoldersAreFollowedAndALoopIsAnError) {
  const TempDir dir;
  dir.write("store/p/1.jpg", "x");
  dir.write("root/a/1.jpg", "x");
  std::filesystem::create_directory_symlink(dir.file("store/p"), dir.file("root/b"));
  EXPECT_THAT(photo_names(load_dataset(folder_options(dir.file("root")))), ElementsAre("a/1.jpg", "b/1.jpg"));
  std::filesystem::create_directory_symlink(dir.file("root"), dir.file("root/a/loop"));
  EXPECT_THAT(load_error(ErrorKind::kIo, folder_options(dir.file("root"))), HasSubstr("leads back"));
}

TEST(FaceDataset, AListGivesTheSameSetInAnyOrder) {
  const TempDir dir;
  for (const char* file : {"x/1.jpg", "x/2.jpg", "y/1.jpg"}) dir.write(file, "x");
  const auto first = dir.write("1.tsv", "y/1.jpg\ty\nx/2.jpg\tx\nx/1.jpg\tx\n");
  const auto second = dir.write("2.tsv", "x/1.jpg\tx\n./x/2.jpg\tx\ny/1.jpg\ty\n");
  const FaceDataset a = load_dataset(list_options(dir.path(), first));
  const FaceDataset b = load_dataset(list_options(dir.path(), second));
  EXPECT_THAT(photo_names(a), ElementsAre("x/1.jpg", "x/2.jpg", "y/1.jpg"));
  EXPECT_EQ(photo_names(a), photo_names(b));
  EXPECT_EQ(a.identities, b.identities);
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  EXPECT_EQ(a.fingerprint(), load_dataset(folder_options(dir.path())).fingerprint());
}

TEST(FaceDataset, FingerprintSeesPathsAndIdentities) {
  const TempDir dir;
  for (const char* file : {"1.jpg", "2.jpg", "3.jpg"}) dir.write(file, "x");
  const auto print = [&](const std::string& text) {
    return load_dataset(list_options(dir.path(), dir.write("l.tsv", text))).fingerprint();
  };
  const auto base = print("1.jpg\ta\n2.jpg\tb\n");
  EXPECT_EQ(base, print("2.jpg\tb\n1.jpg\ta\n"));
  EXPECT_NE(base, print("1.jpg\tb\n2.jpg\ta\n"));
  EXPECT_NE(base, print("1.jpg\ta\n3.jpg\tb\n"));
  EXPECT_NE(base, print("1.jpg\ta\n2.jpg\tb\n3.jpg\tb\n"));
}

TEST(FaceDataset, IdentitiesBelowMinImagesAreLeftOut) {
  const TempDir dir;
  for (const char* file : {"a/1.jpg", "b/1.jpg", "b/2.jpg", "c/1.jpg", "c/2.jpg", "c/3.jpg"})
    dir.write(file, "x");
  DataOptions options = folder_options(dir.path());
  options.min_images = 2;
  const FaceDataset set = load_dataset(options);
  EXPECT_THAT(identity_names(set), ElementsAre("b", "c"));
  EXPECT_THAT(set.identities, ElementsAre(0, 0, 1, 1, 1));
  options.min_images = 3;
  EXPECT_THAT(load_error(ErrorKind::kData, options),
              AllOf(HasSubstr("1 identities"), HasSubstr("3 found"), HasSubstr("lower data.min_images")));
}

TEST(FaceDataset, EveryMistakeHasItsOwnMessage) {
  const TempDir dir;
  dir.write("ok/a/1.jpg", "x");
  dir.write("ok/b/1.jpg", "x");
  DataOptions options = folder_options(dir.file("ok"));

  options.source = "synthetic";
  EXPECT_THAT(load_error(ErrorKind::kUsage, options), HasSubstr("'synthetic'"));
  EXPECT_THAT(load_error(ErrorKind::kUsage, folder_options("")), HasSubstr("data.root is empty"));
  EXPECT_THAT(load_error(ErrorKind::kIo, folder_options(dir.file("none"))),
              HasSubstr("none: no such folder"));
  EXPECT_THAT(load_error(ErrorKind::kUsage, list_options(dir.file("ok"), "")),
              HasSubstr("data.list is empty"));

  const auto list_error = [&](ErrorKind kind, const std::string& text) {
    return load_error(kind, list_options(dir.file("ok"), dir.write("l.tsv", text)));
  };
  EXPECT_THAT(list_error(ErrorKind::kData, "a/1.jpg\tA\nb/1.jpg\tB\na//1.jpg\tB\n"),
              AllOf(HasSubstr("l.tsv:3:"), HasSubstr("first on line 1, as 'A', now as 'B'")));
  EXPECT_THAT(list_error(ErrorKind::kData, "a/1.jpg\tA\nb/7.jpg\tB\nb/8.jpg\tB\n"),
              AllOf(HasSubstr("l.tsv:2:"), HasSubstr("'b/7.jpg' is not a file"), HasSubstr("2 of 3")));
  EXPECT_THAT(list_error(ErrorKind::kData, "a/1.jpg\tA\nb/1.jpg\tA\n"), HasSubstr("expected at least 2"));

  dir.write("one/a/1.jpg", "x");
  EXPECT_THAT(load_error(ErrorKind::kData, folder_options(dir.file("one"))),
              AllOf(HasSubstr("1 identities"), HasSubstr("one sub-folder or name per identity")));
  dir.write("stray/x.jpg", "x");
  EXPECT_THAT(load_error(ErrorKind::kData, folder_options(dir.file("stray"))),
              HasSubstr("no identity folder"));
  std::filesystem::create_directories(dir.file("ok/empty"));
  EXPECT_THAT(load_error(ErrorKind::kData, folder_options(dir.file("ok"))), HasSubstr("ok/empty: no images"));
}

}  // namespace
}  // namespace aface
