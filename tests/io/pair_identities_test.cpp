#include "aface/io/pair_identities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace aface {
namespace {

using ::testing::ElementsAre;

PairList list_of(std::vector<std::string> paths, std::vector<Pair> pairs) {
  PairList list;
  list.paths = std::move(paths);
  list.pairs = std::move(pairs);
  return list;
}

TEST(PairIdentities, FoldersAndFileNamesTellWhoIsWho) {
  const PairIdentities folders = identities_of(
      list_of({"A/A_0001.jpg", "B/B_0001.jpg", "A/A_0002.jpg", "A/x.jpg"}, {{0, 2, true}, {1, 2, false}}));
  EXPECT_EQ(folders.source, IdentitySource::kNames);
  EXPECT_THAT(folders.of_path, ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(folders.names, ElementsAre("A", "B"));

  const PairIdentities flat =
      identities_of(list_of({"A_B_0001.jpg", "A_B_2.jpg", "A_C_1.jpg"}, {{0, 1, true}, {1, 2, false}}));
  EXPECT_EQ(flat.source, IdentitySource::kNames);
  EXPECT_THAT(flat.names, ElementsAre("A_B", "A_C"));
}

TEST(PairIdentities, NamesThatContradictThePairsAreNotBelieved) {
  // One folder for both persons of a pair of two; two folders for a pair of one.
  for (const PairList& list : {list_of({"x/1", "x/2", "x/3"}, {{0, 1, true}, {1, 2, false}}),
                               list_of({"front/1", "side/1", "front/2"}, {{0, 1, true}, {1, 2, false}})}) {
    const PairIdentities people = identities_of(list);
    EXPECT_EQ(people.source, IdentitySource::kLinks);
    EXPECT_THAT(people.of_path, ElementsAre(0, 0, 1));
  }
}

TEST(PairIdentities, LinksReachOverSeveralPairsAndEqualPhotos) {
  // 0-3 and 3-1 are one person; 4 is the photo of 2; 5 stands alone.
  PairList list =
      list_of({"a", "b", "c", "d", "e", "f"}, {{0, 3, true}, {3, 1, true}, {4, 5, false}, {2, 0, false}});
  list.photos = {0, 1, 2, 3, 2, 5};
  const PairIdentities people = identities_of(list);
  EXPECT_EQ(people.source, IdentitySource::kLinks);
  EXPECT_THAT(people.of_path, ElementsAre(0, 0, 1, 0, 1, 2));
  EXPECT_THAT(people.names, ElementsAre("a", "c", "f"));
}

}  // namespace
}  // namespace aface
