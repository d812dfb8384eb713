#include "aface/io/megaface_lists.h"

#include <gmock/gmock.h>

#include "tests/support/expect_error.h"
#include "tests/support/temp_dir.h"

namespace aface {
namespace {

using test::error_of;
using test::TempDir;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(MegafaceLists, PathsAndIdsAreReadWhateverElseThereIs) {
  const TempDir dir;
  const MegafaceList list = read_megaface_list(dir.write(
      "l.json",
      R"({"note": {"path": ["no"], "n": [1, [2]]}, "id": ["ann", 7], "path": ["a/1.jpg", "b/\u0031.jpg"], "x": null})"));
  EXPECT_THAT(list.paths, ElementsAre("a/1.jpg", "b/1.jpg"));
  EXPECT_THAT(list.ids, ElementsAre("ann", "7"));
  EXPECT_THAT(read_megaface_list(dir.write("m.json", R"({"path": ["c"]})")).ids, IsEmpty());
}

TEST(MegafaceLists, BrokenListsAreRefused) {
  const TempDir dir;
  const auto refused = [&](const std::string& text) {
    const std::string path = dir.write("l.json", text);
    return error_of(ErrorKind::kFormat, [&] { read_megaface_list(path); });
  };
  EXPECT_THAT(refused(R"({"path": ["a", "b")"), HasSubstr("l.json: not JSON at byte"));
  EXPECT_THAT(refused(R"({"paths": ["a"]})"), HasSubstr("no entries under \"path\""));
  EXPECT_THAT(refused(R"({"path": []})"), HasSubstr("no entries under \"path\""));
  EXPECT_THAT(refused(R"({"path": ["a", "b"], "id": ["x"]})"), HasSubstr("1 entries under \"id\" for 2"));
  EXPECT_THAT(refused(R"({"path": ["a", "b", "a"]})"), HasSubstr("'a' is listed twice"));
  EXPECT_THAT(refused(R"({"path": ["a", 3]})"), HasSubstr("the number 3 as entry 2"));
  EXPECT_THAT(refused(R"({"path": ["a", ["b"]]})"), HasSubstr("a nested value as entry 2"));
  EXPECT_THAT(refused(R"([1, 2])"), HasSubstr("no entries under \"path\""));
}

TEST(MegafaceLists, NoiseNamesMarkThePathsThatEndWithThem) {
  const TempDir dir;
  dir.write("facescrub_noises.txt", "# known noise\nAnn_1.png\r\n\nBob_2.png \n");
  dir.write("megaface_noises.txt", "12\t1/22@N/3.jpg\n1/22@N/4.jpg\n");
  const MegafaceNoise noise = read_megaface_noise(dir.path());
  EXPECT_THAT(noise.probes, ElementsAre("Ann_1.png", "Bob_2.png"));
  EXPECT_THAT(noise.distractors, ElementsAre("1/22@N/3.jpg", "1/22@N/4.jpg"));
  EXPECT_THAT(
      mark_noise({"facescrub/Ann/Ann_1.png", "Bob_2.png", "Ann/XAnn_1.png", "Ann_1.png/x"}, noise.probes),
      ElementsAre(1, 1, 0, 0));
  EXPECT_THAT(mark_noise({"FlickrFinal2/1/22@N/3.jpg", "11/22@N/4.jpg", "3.jpg"}, noise.distractors),
              ElementsAre(1, 0, 0));
}

TEST(MegafaceLists, AFolderWithoutTheNoiseListsIsRefused) {
  const TempDir dir;
  EXPECT_THAT(error_of(ErrorKind::kIo, [&] { read_megaface_noise(dir.path()); }),
              HasSubstr("facescrub_noises.txt"));
}

}  // namespace
}  // namespace aface
