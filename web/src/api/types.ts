/** The names of the API document's schemas, as the rest of the client calls them. */
import type { components } from './schema.gen';

type Schemas = components['schemas'];
export type Product = Schemas['Product'];
export type ProductList = Schemas['ProductList'];
export type Stock = Schemas['Stock'];
export type SaleState = Schemas['SaleState'];
export type Order = Schemas['Order'];
export type OrderList = Schemas['OrderList'];
export type OrderState = Schemas['OrderState'];
export type Money = Schemas['Money'];
export type User = Schemas['User'];
export type Session = Schemas['Session'];
export type SessionList = Schemas['SessionList'];
export type Problem = Schemas['Problem'];
export type NewProduct = Schemas['NewProduct'];
