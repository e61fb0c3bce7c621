#include <cstdio>
int main() { std::puts("market " MARKET_VERSION); }
