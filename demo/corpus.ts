/**
 * What the n-gram model has read: its whole education. Written for this project, on the project's own subject, so that
 * what it says is on topic even when it is nonsense. Plain sentences that share many words mix best.
 */
export const corpus = `
A cache is a memory with a bad conscience. It knows an answer, and it knows that the answer may be old. The art is to keep
the first fact and never to forget the second one. A cache that only remembers is a museum. A cache that only doubts is a
detour. A good cache answers at once when it can, and steps aside when it cannot.

Why do we cache at all? Because some calls cost money, and some calls cost seconds, and most people ask the same question
twice. A model that thinks for ten seconds will think for ten seconds again, and the invoice will not remember that it was
the same thought. The second answer should be free. The second answer should be the first answer, byte for byte, and it
should arrive before the reader has finished blinking. Ask twice, pay once.

A key is a promise. It says that two questions with the same key deserve the same answer. If the key is too wide, two
different questions share one answer, and somebody reads a letter that was written to somebody else. If the key is too
narrow, the same question is asked again and again, and the cache becomes an expensive way to forget. So the key must hold
everything that changes the answer, and nothing else. The model belongs in the key. The prompt belongs in the key. The
temperature belongs in the key. The time of day does not, unless the answer is the time of day.

The order of the fields in a request means nothing, so it must not change the key. The order of the messages in a
conversation means everything, so it must change the key. A key is made of bytes, and the bytes are made by a rule, and the
rule is written down, because a key that nobody can compute again is a lock without a door. Two values that are equal must
have the same bytes. Two values that differ must never have the same bytes. Hash functions are trusted to do the rest, but
only the kind of hash that an enemy cannot steer.

Every cache is too small. If it were not too small it would be a database, and it would have a budget and a meeting. So one
day the cache is full, and a new entry knocks at the door, and an old entry must leave. This is called eviction, and it is
the only decision that a cache makes alone. The simplest rule is to evict the entry that was used least recently. The rule
is simple and often wrong. One long scan walks through the cache like a tourist, touches everything once, and throws out
the locals.

A better rule asks what an entry is worth. A small entry that took twenty seconds is worth more than a large entry that
took one second. An entry that was used often will probably be used again. An entry that was used once is a rumour. So the
cache weighs the size, the cost and the habit of every entry, and it evicts the entry that would be missed the least. Some
caches keep the ghosts of the entries they evicted, and when a ghost is asked for, the cache learns that it was wrong. A
cache that can be wrong and notice it is already wiser than most of us.

Freshness is a matter of opinion with a clock in its hand. An answer is fresh for as long as its owner says so. After that
the answer is stale, and a stale answer is not a wrong answer; it is an answer that nobody has checked. Sometimes a stale
answer now is better than a fresh answer later. A cache may give the stale answer at once and fetch the fresh answer in the
background, and the reader will never know that somebody was working. Sometimes the origin is down, and then the stale
answer is the only answer in the house, and everyone is suddenly grateful that nobody threw it away.

There are two hard things in this trade, and one of them is invalidation. To invalidate is to say that an answer was true
and is true no longer. A clock cannot say it, because a clock knows when the answer was made and does not know when the
world changed. So give every answer a token, and keep the token in one place. When the world changes, write a new token. All
the old answers still lie in the cache, but nobody will open the door for them. It costs one write, however many answers
there are. If the token is lost, every answer under it is lost as well, and that is the right way round: a cache may always
forget, and it must never lie.

The worst moment of a cache is the moment of a miss. A thousand callers ask for the same key, and the key is not there, and
a thousand callers run to the model with the same question. This is called a stampede, and it ends with an invoice. So the
first caller goes, and the others wait for the first caller. One computation, one answer, a thousand happy readers. If the
first caller gives up, the others must not be left in the rain. If the call fails, nobody may store the failure as if it
were an answer.

A model does not answer all at once. It sends one token, and then another token, and the reader watches the sentence grow.
A cache that waits for the last token takes the joy out of the first one. So the stream goes to the reader and to the cache
at the same time, and only a stream that has come to its end is stored. Half an answer is worse than no answer, because half
an answer looks like a whole one. When the same question comes again, the cache plays the stream again, and this time it
does not have to think.

WebAssembly is a small machine that lives inside other machines. It has a memory that is one long row of bytes, and a
stack, and no opinion about the world. It does not know the time unless it is told. It cannot open a file. It cannot open a
socket. This makes it an excellent judge, because a judge should not run errands. The same module runs in a browser, on the
edge of the network, and on a server in a cellar, and it gives the same answer to the same bytes in all of them.

The border between JavaScript and WebAssembly is cheap to cross and expensive to furnish. A number crosses it for almost
nothing. A string must be measured, encoded, copied and announced, and by then the string wishes it had stayed at home. So
write the bytes into the memory first, then cross the border once, with a number in your hand, and come back with another
number. A cache that is slower than the call it saves is a joke, and not everybody will laugh.

Memory is fast and short of breath. A disk is slow and remembers. A server in the next room is somewhere in between, and it
is sometimes asleep. A good cache asks the memory first, and the disk second, and the model last, because the model sends
an invoice. When the disk fails, the cache computes the answer again. When the server sleeps, the cache waits for a moment
and then goes on without it. A storage that fails may cost a computation. It must never cost the answer.

What should not be cached? A secret that belongs to one reader should not be given to another reader. An answer that is
meant to be different every time should be different every time. An error should pass through the cache like a draught
through a fence. A result that is cheaper to compute than to find should be computed. If the cache makes the program harder
to understand than the call makes it slow, then the cache is the wrong answer.

Measure before you cache, and measure after. Count the hits and count the misses. A hit is a second that nobody spent. A
miss is an honest day of work. The hit rate is a fine number, but it is not the number on the invoice: a hundred hits on
cheap calls are worth less than one hit on an expensive call. Count the seconds that were saved, and count the money that
was saved, and write both of them down where a tired person can read them.

An answer from the cache should be as good as an answer from the model. It should have the same shape and the same bytes,
and nobody should be able to change it for the next reader. If a reader writes on the answer, the reader writes on a copy. A
cache is shared by people who will never meet, so it must have good manners. It keeps every tenant in a room of his own, it
does not repeat what it hears through the wall, and it forgets when it is asked to.

In the end a cache is a bet that the future will look like the past. Mostly it does. The same pictures are painted, the same
questions are asked, the same tests are run on the same afternoon. When the bet is lost, we pay once more, and that is all.
When the bet is won, the answer is already there, like a cup of coffee that somebody has put on your desk before you knew
that you wanted it. Be kind to the future, and leave it an answer.
`
