import { createRoot } from 'react-dom/client'
import { Gallery } from './Gallery'
import './style.css'

createRoot(document.getElementById('root')!).render(<Gallery />)
