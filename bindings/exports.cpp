// The data plane: raw exports. Numbers in, one number out, bytes through the block's inbox. A std::string through
// embind costs 5 to 36 times more, so nothing that happens on a call goes that way.
#include <emscripten/emscripten.h>

#include <algorithm>

#include "state.h"

namespace reprise {

Block block;
State* state = nullptr;

namespace {

inline Millis time_of(double value) {
  if (!(value > 0)) return 0;
  return value >= 9.2e18 ? kForever : static_cast<Millis>(value);
}

// The same where no hit comes.
REPRISE_COLD Millis millis(double value) { return time_of(value); }

Bytes inbox(std::uint32_t length) {
  return {block.inbox, length <= kInboxSize ? length : kInboxSize};
}

Bytes outline(std::uint32_t words) {
  return {block.outline,
          4 * std::size_t{words} <= kOutlineSize ? 4 * std::size_t{words} : kOutlineSize};
}

void show(const Lifetime& life, double cost_ms, std::uint64_t payload_size, PayloadKind kind) {
  block.created = static_cast<double>(life.created);
  block.fresh_until = static_cast<double>(life.fresh_until);
  block.stale_until = static_cast<double>(life.stale_until);
  block.cost_ms = cost_ms;
  block.payload_size = static_cast<double>(payload_size);
  block.kind = static_cast<std::uint32_t>(kind);
}

std::uint32_t address_of(const std::uint8_t* bytes) {
  return static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(bytes));
}

std::uint32_t show(Found found) {
  block.slot = found.slot;
  if (found.slot != kNoSlot) {
    const Record record = state->cache.record(found.slot);
    show(record.life, static_cast<double>(record.cost_ms), record.payload_size, record.kind);
    // What is compressed is decoded when it is asked for (read_payload): a frozen value or a hot text may be had without.
    block.whole = record.whole && !record.compressed ? 1 : 0;
    if (block.whole != 0) {
      block.payload_at = address_of(state->cache.payload(found.slot).data());
    } else {
      state->reading = {};
    }
  }
  return static_cast<std::uint32_t>(found.verdict);
}

}  // namespace
}  // namespace reprise

using namespace reprise;

extern "C" {

EMSCRIPTEN_KEEPALIVE void* block_address() { return &block; }

// A part of a key, all but the last: so many words of the outline, then so many bytes of the inbox.
EMSCRIPTEN_KEEPALIVE void feed(std::uint32_t words, std::uint32_t length) {
  state->digest.update(outline(words));
  state->digest.update(inbox(length));
}

// Throws away what was fed.
EMSCRIPTEN_KEEPALIVE void restart() { state->digest.restart(); }

// The last part: leaves the key's digest in the block.
EMSCRIPTEN_KEEPALIVE void digest(std::uint32_t words, std::uint32_t length) {
  block.key = state->digest.finish(outline(words), inbox(length));
}

// The same for the key in the block.
EMSCRIPTEN_KEEPALIVE std::uint32_t look_up_key(double now, double stale_for) {
  return show(state->cache.look_up(block.key, time_of(now), stale_for > 0 ? millis(stale_for) : 0));
}

// The last part of a key: is there an answer in memory?
EMSCRIPTEN_KEEPALIVE std::uint32_t look_up(std::uint32_t words, std::uint32_t length, double now,
                                           double stale_for) {
  digest(words, length);
  return look_up_key(now, stale_for);
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t peek(double now, double stale_for) {
  return show(state->cache.peek(block.key, millis(now), millis(stale_for)));
}

// A computed value: its payload lies in the inbox, or comes after this in pieces (write_payload) where it is longer.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t store(double payload_size, std::uint32_t kind,
                                                      std::uint32_t token_count, double cost_ms,
                                                      double ttl, double stale_for, double idle,
                                                      double now, std::uint32_t group,
                                                      std::uint32_t insists) {
  if (token_count > kMaxTokens) {
    block.slot = kNoSlot;
    return static_cast<std::uint32_t>(Status::too_large);
  }
  state->draft = {static_cast<PayloadKind>(kind),
                  Lifetime::from(millis(now), millis(ttl), millis(stale_for), millis(idle)),
                  cost_ms,
                  {block.tokens, token_count},
                  static_cast<std::uint64_t>(payload_size),
                  group,
                  insists != 0};
  const bool fits = state->draft.payload_size <= kInboxSize;
  const Bytes payload = fits ? inbox(static_cast<std::uint32_t>(payload_size)) : Bytes{};
  const Stored stored = state->cache.store(block.key, state->draft, payload, millis(now));
  block.slot = stored.slot;
  show(state->draft.life, cost_ms, state->draft.payload_size, state->draft.kind);
  return static_cast<std::uint32_t>(stored.status);
}

// A piece of the payload of the entry that the last store or admit put into memory; all of them before any other verb.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE void write_payload(double from, std::uint32_t length) {
  if (block.slot == kNoSlot) return;
  state->cache.write(block.slot, static_cast<std::uint64_t>(from), inbox(length));
}

// Makes the payload of the entry found last readable at payload_at, from `from` on; says how many bytes lie there. What fits into
// the inbox is put together there, of what does not each part is shown where it lies; compressed, it is decoded, and
// there is nothing where it is damaged.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t read_payload(double from) {
  const auto begin = static_cast<std::uint64_t>(from);
#if REPRISE_DENSE
  const bool joined =
      !state->cache.record(block.slot).compressed && block.payload_size <= kInboxSize;
#else
  const bool joined = block.payload_size <= kInboxSize;
#endif
  if (joined) {
    block.payload_at = address_of(block.inbox);
    return static_cast<std::uint32_t>(state->cache.read(block.slot, begin, block.inbox));
  }
  const Bytes piece = state->cache.piece(block.slot, begin, state->reading);
  block.payload_at = address_of(piece.data());
  return static_cast<std::uint32_t>(piece.size());
}

// Makes what the entry of the key in the block is, as far as memory knows, what seal_begin seals. Shows it as look_up does, and
// leaves kNoSlot where there is none.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE void redraft() {
  const Slot slot = state->cache.index().find(block.key);
  show({Verdict::fresh, slot});
  if (slot == kNoSlot) return;
  const Record record = state->cache.record(slot);
  const TokenCopy tokens = state->cache.tokens(slot);
  std::copy_n(tokens.items.begin(), tokens.size, block.tokens);
  state->draft = {record.kind,
                  record.life,
                  static_cast<double>(record.cost_ms),
                  {block.tokens, tokens.size},
                  record.payload_size};
}

// Seals what the last store or redraft described, for storage: begin, then the payload in pieces, then end. (Memory may hold the payload
// in another form, of another size.)
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t seal_begin(double payload_size) {
  const Draft& draft = state->draft;
  // A storage does not see the answers that idleness ends with: there an entry is over as if nobody asked for it again.
  Lifetime life = draft.life;
  life.fresh_until = std::min(life.fresh_until, life.idle_until);
  life.stale_until = std::min(life.stale_until, life.idle_until);
  const EntryHeader header{draft.kind,        static_cast<std::uint16_t>(draft.tokens.size()),
                           block.storage_key, life,
                           draft.cost_ms,     static_cast<std::uint64_t>(payload_size)};
  block.preamble_size =
      static_cast<std::uint32_t>(encode_preamble(header, draft.tokens, block.preamble));
  state->sealer.restart();
  state->sealer.update({block.preamble, block.preamble_size});
  return block.preamble_size;
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE void seal_feed(std::uint32_t length) {
  state->sealer.update(inbox(length));
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE void seal_end() {
  const Digest128 seal = state->sealer.finish();
  put(MutableBytes{block.seal}, 0, seal.low);
  put(MutableBytes{block.seal}, 8, seal.high);
}

// An entry from storage: its first piece, then the others, then the verdict.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t admit_begin(std::uint32_t length, double total) {
  state->entry_size = static_cast<std::uint64_t>(total);
  state->read = state->reader.begin(inbox(length), state->entry_size, block.storage_key);
  return static_cast<std::uint32_t>(state->read);
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t admit_feed(std::uint32_t length) {
  if (state->read == Status::ok) state->read = state->reader.feed(inbox(length));
  return static_cast<std::uint32_t>(state->read);
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t admit(double now, std::uint32_t group,
                                                      double stale_for) {
  if (state->read == Status::ok) state->read = state->reader.finish();
  const EntryReader& reader = state->reader;
  Bytes payload;
  // A longer one is written in pieces.
  if (state->read == Status::ok && state->entry_size <= kInboxSize) {
    payload = Bytes{block.inbox}.subspan(reader.payload_at(),
                                         static_cast<std::size_t>(reader.header().payload_size));
  }
  const Stored stored = state->cache.admit(block.key, state->read, reader, payload, millis(now),
                                           group, millis(stale_for));
  if (stored.status == Status::ok || stored.status == Status::stale ||
      stored.status == Status::retained) {
    const EntryHeader& header = reader.header();
    show(header.life, header.cost_ms, header.payload_size, header.kind);
    block.slot = stored.slot;
    block.payload_at = static_cast<std::uint32_t>(reader.payload_at());
  }
  return static_cast<std::uint32_t>(stored.status);
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t invalidate() {
  return state->cache.invalidate(block.key) ? 1 : 0;
}

// Makes the entry of the key in the block stale. Says whether it is still there.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t expire(double now) {
  return state->cache.expire(block.key, millis(now)) ? 1 : 0;
}

// The first slot from `from` on whose entry is labelled: leaves its key in the block and shows it as look_up does. kNoSlot where
// there is no more.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t next_labelled(std::uint32_t from) {
  const Slot slot = state->cache.next_labelled(from);
  if (slot != kNoSlot) block.key = state->cache.index().key(slot);
  show({Verdict::fresh, slot});
  return slot;
}

// The first token in the block becomes its tag's current one. Says whether there was memory for it.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t set_token() {
  return state->cache.set_token(block.tokens[0]) ? 1 : 0;
}

// The tag of the first token in the block is forgotten. Says whether no entry carries it.
REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t forget_token() {
  return state->cache.forget_token(block.tokens[0].tag) ? 1 : 0;
}

REPRISE_COLD EMSCRIPTEN_KEEPALIVE std::uint32_t sweep(double now, std::uint32_t budget) {
  return state->cache.sweep(millis(now), budget);
}

}  // extern "C"
