import { storeConformance } from '../conformance.ts'
import { openMemoryStore } from './open-memory-store.ts'

storeConformance('memory', async (limits) => openMemoryStore(limits))
