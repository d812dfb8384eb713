#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [data]: where the training photos are and how they are read.
struct DataOptions {
  // folder | list | rec | tar | synthetic (the faces of [synth], written to files first) | drawn (the same faces, each photo drawn
  // when it is needed and not compressed: sets of millions of people need no disk)
  std::string source = "folder";
  std::string root;  // folder: one sub-folder per identity; list: what its paths are relative to; rec: the .rec
                     // file; tar: see io/tar_shards.h
  std::string list;                  // list: lines "relative/path<TAB>identity"
  std::string on_bad_image = "fail"; // skip: leave unreadable images out and count them; fail: stop at the first
  double max_bad_share = 0.01;       // skip turns into failure above this share of bad images
  std::int64_t min_images = 1;       // identities with fewer images are left out
  std::int64_t prefetch = 4;         // batches drawn ahead (feedback reaches the sampler that much later)
  // --- affects speed only
  std::int64_t workers = 1;          // decoding threads
};

// The faces of [synth] rather than photos from outside.
inline bool is_built_in(const DataOptions& o) { return o.source == "synthetic" || o.source == "drawn"; }

template <class Visitor>
void describe(Visitor& v, DataOptions& o) {
  v.field("source", o.source, doc("where training photos come from; rec: a RecordIO file of MXNet (.rec); tar: archives as of WebDataset; synthetic: the faces of [synth], written to files first; "
                            "drawn: the same, each drawn when it is needed")
                            .choice({"folder", "list", "rec", "tar", "synthetic", "drawn"}));
  v.field("root", o.root,
          doc("folder: one sub-folder per identity; list: what its paths are relative to; rec: the .rec file; tar: folder or name of the archives").speed_only());
  v.field("list", o.list, doc("list: file of lines relative/path<TAB>identity").speed_only());
  v.field("on_bad_image", o.on_bad_image, doc("unreadable image: leave out and count, or stop").choice({"skip", "fail"}));
  v.field("max_bad_share", o.max_bad_share, doc("skip turns into failure above this share").range(0, 1));
  v.field("min_images", o.min_images, doc("identities with fewer images are left out").at_least(1));
  v.field("workers", o.workers, doc("decoding threads").range(1, 256).speed_only());
  v.field("prefetch", o.prefetch, doc("batches drawn ahead; feedback reaches the sampler that much later").range(1, 64));
}

}  // namespace aface
