// The block of memory that C++ and JavaScript share, field by field. js/boundary.ts mirrors the offsets; a test
// reads the assertions below and compares.
//
// Bytes go in through the inbox, which never moves and never grows: longer input comes in pieces. Numbers
// come out in the fields. A field holds what the last verb that writes it left there, so it is read before
// the next verb is called.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache.h"

namespace reprise {

constexpr std::size_t kInboxSize = 64 * 1024;
constexpr std::size_t kOutlineSize = 16 * 1024;

struct Block {
  // Of the entry that look_up, peek, admit, redraft or next_labelled found. Times are milliseconds; from 2^63 on they mean for ever.
  double created;
  double fresh_until;
  double stale_until;
  double cost_ms;
  double payload_size;
  std::uint32_t
      payload_at;  // address in memory (look_up, peek, read_payload), or where in the entry it begins (admit)
  std::uint32_t slot;            // kNoSlot: not in memory
  std::uint32_t kind;            // PayloadKind, with its flags
  std::uint32_t whole;           // 1: the payload lies at payload_at; 0: see read_payload
  std::uint32_t preamble_size;   // written by seal_begin
  Digest128 key;                 // look_up, digest and next_labelled write it; the others read it
  StorageKey storage_key;        // read by seal_begin and admit_begin
  std::uint8_t seal[kSealSize];  // written by seal_end
  Token tokens[kMaxTokens];      // read by store, set_token and forget_token
  std::uint8_t preamble[kMaxPreamble];  // written by seal_begin
  std::uint8_t outline[kOutlineSize];   // the structure of a key; its texts are in the inbox
  std::uint8_t inbox[kInboxSize];
};

static_assert(offsetof(Block, created) == 0);
static_assert(offsetof(Block, fresh_until) == 8);
static_assert(offsetof(Block, stale_until) == 16);
static_assert(offsetof(Block, cost_ms) == 24);
static_assert(offsetof(Block, payload_size) == 32);
static_assert(offsetof(Block, payload_at) == 40);
static_assert(offsetof(Block, slot) == 44);
static_assert(offsetof(Block, kind) == 48);
static_assert(offsetof(Block, whole) == 52);
static_assert(offsetof(Block, preamble_size) == 56);
static_assert(offsetof(Block, key) == 64);
static_assert(offsetof(Block, storage_key) == 80);
static_assert(offsetof(Block, seal) == 112);
static_assert(offsetof(Block, tokens) == 128);
static_assert(offsetof(Block, preamble) == 1152);
static_assert(offsetof(Block, outline) == 2256);
static_assert(offsetof(Block, inbox) == 18640);

}  // namespace reprise
