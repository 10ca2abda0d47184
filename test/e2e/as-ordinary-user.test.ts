import { defineSuite } from './suite.ts'
import { ordinaryUser } from './test-users.ts'

defineSuite(ordinaryUser())
