#pragma once

#include <cstdint>
#include <string>

#include "aface/core/field.h"

namespace aface {

// [mining]: which prototypes take part in a step. Numbers of `dominant_queue` are our choice; the paper's are not
// known.
struct MinerOptions {
  std::string kind = "all";           // all | random | feature_query | dominant_queue
  std::int64_t budget = 0;            // active prototypes per step, the batch's own included; needed by random and
                                      // feature_query; for dominant_queue 0 means "own and queues only", otherwise the
                                      // least similar are cut or random ones added
  std::int64_t queue_length = 30;     // dominant_queue: k nearest prototypes that start a queue
  std::int64_t max_queue_length = 100;  // dominant_queue: the least similar entry leaves above this
  double similarity_start = -1.0;     // dominant_queue: h, entries less similar to the owner are popped ...
  double similarity_end = 0.2;        // ... h grows linearly to this ...
  std::int64_t similarity_steps = 5000;  // ... over so many steps
  std::int64_t rebuild_steps = 500;   // queues or index rebuilt from fresh prototypes every so many steps (feature_query's
                                      // exact and inverted indices follow the active prototypes in between)
  std::string rebuild = "auto";       // dominant_queue: wait | background | auto (wait up to exact_below, background above);
                                      // what a background rebuild gives depends on timing
  std::int64_t rebuild_candidates = 32768;  // background, above exact_below: prototypes that each one is compared with
  std::int64_t rebuild_threads = 1;   // of a background rebuild; 0: all cores
  std::int64_t rebuild_niceness = 5;  // of its threads, above the program's own
  std::string index = "auto";         // auto | exact | graph | inverted: searches that training waits for
  std::int64_t exact_below = 50000;   // auto: exact search up to so many prototypes, inverted file above
  std::int64_t index_lists = 0;       // inverted: lists that prototypes are sorted into; 0: chosen from their number
  std::int64_t index_probes = 16;     // inverted: lists that a search looks into
  std::int64_t graph_links = 16;      // HNSW M
  std::int64_t graph_build_effort = 100;   // HNSW efConstruction
  std::int64_t graph_search_effort = 64;   // HNSW ef
  bool graph_parallel_build = false;  // graph built by all threads: faster, but a run is not repeatable to the bit
  std::int64_t mass_every = 100;      // softmax mass caught is measured every so many steps; 0: never
};

template <class Visitor>
void describe(Visitor& v, MinerOptions& o) {
  v.field("kind", o.kind, doc("which prototypes take part in a step").choice({"all", "random", "feature_query", "dominant_queue"}));
  v.field("budget", o.budget, doc("active prototypes per step, own included; needed by random and feature_query; dominant_queue: 0 means own and queues only").at_least(0));
  v.field("queue_length", o.queue_length, doc("dominant_queue: k nearest prototypes that start a queue").range(1, 10000));
  v.field("max_queue_length", o.max_queue_length, doc("dominant_queue: the least similar entry leaves above this").range(1, 100000));
  v.field("similarity_start", o.similarity_start, doc("dominant_queue: h at step 0; entries less similar to the owner are popped").range(-1, 1));
  v.field("similarity_end", o.similarity_end, doc("dominant_queue: h at the end of its schedule").range(-1, 1));
  v.field("similarity_steps", o.similarity_steps, doc("dominant_queue: steps over which h grows linearly").at_least(1));
  v.field("rebuild_steps", o.rebuild_steps, doc("queues or index rebuilt from fresh prototypes every so many steps").at_least(1));
  v.field("rebuild", o.rebuild, doc("dominant_queue: whether training waits for rebuilds (repeatable to the bit) or goes on meanwhile (depends on timing); auto: wait up to exact_below prototypes, background above").choice({"wait", "background", "auto"}));
  v.field("rebuild_candidates", o.rebuild_candidates, doc("background rebuild above exact_below: prototypes that each one is compared with").at_least(1000));
  v.field("rebuild_threads", o.rebuild_threads, doc("threads of a background rebuild; 0: all cores").range(0, 1024).speed_only());
  v.field("rebuild_niceness", o.rebuild_niceness, doc("nice level of these threads above the program's own: how far training goes first").range(0, 19).speed_only());
  v.field("index", o.index, doc("searches that training waits for: exact, HNSW graph, or inverted file; auto: exact up to exact_below prototypes, inverted above").choice({"auto", "exact", "graph", "inverted"}));
  v.field("exact_below", o.exact_below, doc("index = auto: exact search up to so many prototypes, inverted file above").at_least(0));
  v.field("index_lists", o.index_lists, doc("inverted: lists that prototypes are sorted into; 0: chosen from their number").at_least(0));
  v.field("index_probes", o.index_probes, doc("inverted: lists that a search looks into; more: better neighbours, slower").at_least(1));
  v.field("graph_links", o.graph_links, doc("HNSW M").range(2, 200));
  v.field("graph_build_effort", o.graph_build_effort, doc("HNSW efConstruction").range(4, 10000));
  v.field("graph_search_effort", o.graph_search_effort, doc("HNSW ef").range(1, 10000));
  v.field("graph_parallel_build", o.graph_parallel_build, doc("HNSW graph built by all threads: faster, but not repeatable to the bit"));
  v.field("mass_every", o.mass_every, doc("softmax mass caught is measured every so many steps; 0: never").at_least(0));
}

// What is wrong with the budget for batches of `batch_size` photos of `num_identities` identities, or "": the batch's own
// prototypes must all be active, and a batch may hold as many identities as it has photos.
inline std::string budget_problem(const MinerOptions& o, std::int64_t batch_size, std::int64_t num_identities) {
  const std::int64_t own = batch_size < num_identities ? batch_size : num_identities;
  if (o.kind == "all" || o.budget <= 0 || o.budget >= own) return "";
  return "mining.budget = " + std::to_string(o.budget) + " is below the " + std::to_string(own) +
         " identities that a batch of " + std::to_string(batch_size) +
         " photos can hold, whose prototypes must all be active; raise mining.budget or lower train.batch_size";
}

}  // namespace aface
