// The data plane: raw exports. Numbers in, one number out, bytes through the block's inbox. A std::string through
// embind costs 5 to 36 times more, so nothing that happens on a call goes that way.
#include <emscripten/emscripten.h>

#include "state.h"

namespace reprise {

Block block;
State* state = nullptr;

namespace {

Millis millis(double value) {
  if (!(value > 0)) return 0;
  return value >= 9.2e18 ? kForever : static_cast<Millis>(value);
}

Bytes inbox(std::uint32_t length) {
  return {block.inbox, length <= kInboxSize ? length : kInboxSize};
}

void show_freed() {
  const std::span<const Slot> freed = state->cache.freed();
  block.freed_count = static_cast<std::uint32_t>(freed.size());
  for (std::size_t i = 0; i < freed.size(); ++i) block.freed[i] = freed[i];
}

void show(const Lifetime& life, double cost_ms, std::uint64_t payload_size, PayloadKind kind) {
  block.created = static_cast<double>(life.created);
  block.fresh_until = static_cast<double>(life.fresh_until);
  block.stale_until = static_cast<double>(life.stale_until);
  block.cost_ms = cost_ms;
  block.payload_size = static_cast<double>(payload_size);
  block.kind = static_cast<std::uint32_t>(kind);
}

std::uint32_t show(Found found) {
  block.slot = found.slot;
  if (found.slot != kNoSlot) {
    const Record& record = state->cache.record(found.slot);
    show(record.life, record.cost_ms, record.payload_size, record.kind);
    block.external = record.external ? 1 : 0;
    block.payload_at = record.external
                           ? 0
                           : static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(
                                 state->cache.payload(found.slot).data()));
  }
  return static_cast<std::uint32_t>(found.verdict);
}

// Every verb that may empty slots begins here and ends with show_freed().
Cache& fresh_verb() {
  state->cache.forget_freed();
  return state->cache;
}

}  // namespace
}  // namespace reprise

using namespace reprise;

extern "C" {

EMSCRIPTEN_KEEPALIVE void* block_address() { return &block; }

// Canonical bytes that did not fit the inbox at once: all pieces but the last.
EMSCRIPTEN_KEEPALIVE void feed(std::uint32_t length) { state->digest.update(inbox(length)); }

// Throws away what was fed.
EMSCRIPTEN_KEEPALIVE void restart() { state->digest.restart(); }

// The last piece: leaves the key's digest in the block.
EMSCRIPTEN_KEEPALIVE void digest(std::uint32_t length) {
  block.key = state->digest.finish(inbox(length));
}

// The same for the key in the block.
EMSCRIPTEN_KEEPALIVE std::uint32_t look_up_key(double now) {
  const std::uint32_t verdict = show(fresh_verb().look_up(block.key, millis(now)));
  show_freed();
  return verdict;
}

// The last piece of a key: is there an answer in memory?
EMSCRIPTEN_KEEPALIVE std::uint32_t look_up(std::uint32_t length, double now) {
  digest(length);
  return look_up_key(now);
}

EMSCRIPTEN_KEEPALIVE std::uint32_t peek(double now) {
  return show(state->cache.peek(block.key, millis(now)));
}

// A computed value: its payload in the inbox, or `external`.
EMSCRIPTEN_KEEPALIVE std::uint32_t store(double payload_size, std::uint32_t external,
                                         std::uint32_t kind, std::uint32_t token_count,
                                         double cost_ms, double ttl, double stale_for, double now) {
  Cache& cache = fresh_verb();
  const std::size_t tokens = token_count <= kMaxTokens ? token_count : kMaxTokens;
  state->draft = {static_cast<PayloadKind>(kind),
                  Lifetime::from(millis(now), millis(ttl), millis(stale_for)),
                  cost_ms,
                  {block.tokens, tokens},
                  static_cast<std::uint64_t>(payload_size)};
  const Bytes payload = external != 0 ? Bytes{} : inbox(static_cast<std::uint32_t>(payload_size));
  const Stored stored = cache.store(block.key, state->draft, payload, external != 0, millis(now));
  block.slot = stored.slot;
  show(state->draft.life, cost_ms, state->draft.payload_size, state->draft.kind);
  show_freed();
  return static_cast<std::uint32_t>(stored.status);
}

// Seals what the last store described, for storage: begin, then the payload in pieces, then end.
EMSCRIPTEN_KEEPALIVE std::uint32_t seal_begin() {
  const Draft& draft = state->draft;
  const EntryHeader header{draft.kind,        static_cast<std::uint16_t>(draft.tokens.size()),
                           block.storage_key, draft.life,
                           draft.cost_ms,     draft.payload_size};
  block.preamble_size =
      static_cast<std::uint32_t>(encode_preamble(header, draft.tokens, block.preamble));
  state->sealer.restart();
  state->sealer.update({block.preamble, block.preamble_size});
  return block.preamble_size;
}

EMSCRIPTEN_KEEPALIVE void seal_feed(std::uint32_t length) { state->sealer.update(inbox(length)); }

EMSCRIPTEN_KEEPALIVE void seal_end() {
  const Digest128 seal = state->sealer.finish();
  put(MutableBytes{block.seal}, 0, seal.low);
  put(MutableBytes{block.seal}, 8, seal.high);
}

// An entry from storage: its first piece, then the others, then the verdict.
EMSCRIPTEN_KEEPALIVE std::uint32_t admit_begin(std::uint32_t length, double total) {
  state->entry_size = static_cast<std::uint64_t>(total);
  state->read = state->reader.begin(inbox(length), state->entry_size, block.storage_key);
  return static_cast<std::uint32_t>(state->read);
}

EMSCRIPTEN_KEEPALIVE std::uint32_t admit_feed(std::uint32_t length) {
  if (state->read == Status::ok) state->read = state->reader.feed(inbox(length));
  return static_cast<std::uint32_t>(state->read);
}

EMSCRIPTEN_KEEPALIVE std::uint32_t admit(double now) {
  Cache& cache = fresh_verb();
  if (state->read == Status::ok) state->read = state->reader.finish();
  const EntryReader& reader = state->reader;
  const bool external = state->entry_size > kInboxSize;
  Bytes payload;
  if (state->read == Status::ok && !external) {
    payload = Bytes{block.inbox}.subspan(reader.payload_at(),
                                         static_cast<std::size_t>(reader.header().payload_size));
  }
  const Stored stored = cache.admit(block.key, state->read, reader, payload, external, millis(now));
  if (stored.status == Status::ok) {
    const EntryHeader& header = reader.header();
    show(header.life, header.cost_ms, header.payload_size, header.kind);
    block.slot = stored.slot;
    block.external = external ? 1 : 0;
    block.payload_at = static_cast<std::uint32_t>(reader.payload_at());
  }
  show_freed();
  return static_cast<std::uint32_t>(stored.status);
}

EMSCRIPTEN_KEEPALIVE std::uint32_t invalidate() {
  const bool was_there = fresh_verb().invalidate(block.key);
  show_freed();
  return was_there ? 1 : 0;
}

// The first token in the block becomes its tag's current one.
EMSCRIPTEN_KEEPALIVE void set_token() { state->cache.set_token(block.tokens[0]); }

EMSCRIPTEN_KEEPALIVE std::uint32_t sweep(double now, std::uint32_t budget) {
  const std::uint32_t removed = fresh_verb().sweep(millis(now), budget);
  show_freed();
  return removed;
}

}  // extern "C"
