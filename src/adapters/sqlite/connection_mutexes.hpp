#pragma once
/// SQLite's own mutexes, switched off for the whole process.

namespace market::sqlite {

/// Each connection is used by one thread at a time (Shared, BlockingPool, the fold's lock), so SQLite needs
/// no mutex for it: the fold would take 45 of them for each order. SOCI cannot ask for that per connection.
/// Works before SQLite's first use in this process only; later it changes nothing, and nothing needs it.
void use_connections_without_mutex();

}  // namespace market::sqlite
